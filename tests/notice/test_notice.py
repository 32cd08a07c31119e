"""The notice to a customer: what it says, what cannot get into it, and the engineer's own words."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcrunbook.accounts import Account, Customer
from bcrunbook.errors import FixInput
from bcrunbook.notice import PREFLIGHT, Notice, render

ACCOUNT = Account(name="trial", kind="trial", tenant="contoso.com", application="Contoso books")
CUSTOMER = Customer(
    name="northwind",
    display_name="Nørthwind 株式会社 🧾",
    contact="ada@northwind.example",
    environment="Production",
    company="Northwind & Søn",
)
LINK = "https://link-api.codat.io/companies/1/connections/2/start?a=1&otp=81726354"


def notice(customer: Customer = CUSTOMER, account: Account = ACCOUNT, **more: Any) -> Notice:
    """A notice from the application of the account."""
    return render(customer, account, **{"application": "Contoso books", **more})


def draft(one: Notice) -> EmailMessage:
    """The draft as a mail program reads it."""
    parsed = email.message_from_bytes(one.eml(), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage) and not parsed.defects
    return parsed


class Page(HTMLParser):
    """The words, elements and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.tags, self.links = "", set[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        """Note the words."""
        self.words += data


def flat(text: str) -> str:
    """A text without its line breaks."""
    return re.sub(r"\s+", " ", text)


# --- the list ----------------------------------------------------------------------------------


def test_the_list_holds_what_linking_needs() -> None:
    """Version, licence, permission set, administrator, choice, time; and two things to mind.

    contract G10.11, B2.12, B8.8, B10.4, B10.16, C10.7, C10.11, C11.2, C11.7, C11.11, C11.12 and
    C11.20
    """
    words = {one.id: f"{one.title}. {one.detail}" for one in PREFLIGHT}
    assert len(words) == len(PREFLIGHT)
    for part in ("version 22 (April 2023)", "Essentials or Premium", "EXTEN. MGT. - ADMIN",
                 "Entra administrator", "environment and company", "half an hour", "phone",
                 "Extension Installation Status", "reload by itself"):  # fmt: skip
        assert any(part in one for one in words.values()), part
    assert all(one.title[-1] not in ".!" and one.detail.endswith(".") for one in PREFLIGHT)


# --- the notice ----------------------------------------------------------------------------------


def test_both_forms_say_the_same() -> None:
    """Customer, place, application, and every item of the list, in text and page."""
    one = notice()
    for words in (flat(one.text), flat(Page(one.html).words)):
        for part in ("Nørthwind 株式会社 🧾", "Production", "Northwind & Søn", "Contoso books"):
            assert part in words
        for item in PREFLIGHT:
            assert item.title in words and item.detail in words
        assert "None" not in words
    assert "Nørthwind 株式会社 🧾" in one.subject


def test_what_is_not_known_is_not_mentioned() -> None:
    """Without environment and company their lines are left out."""
    bare = Customer(name="b", display_name="B", contact="a@b.example")
    one = notice(bare)
    for words in (one.text, Page(one.html).words):
        assert not re.search(r"^\s*(Environment|Company)\b", words, re.M)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No script, style sheet, picture or address: mail programs drop or refuse those."""
    page = Page(notice().html)
    assert not page.tags & {"script", "style", "link", "img", "iframe", "form"}
    assert page.links == []


def test_the_draft_is_a_whole_message() -> None:
    """To the contact, in both forms, unsent, without a date."""
    one = notice(sender="Ada Løvelace <ada@contoso.com>")
    message = draft(one)
    assert message["To"] == "ada@northwind.example"
    assert message["From"] == "Ada Løvelace <ada@contoso.com>"
    assert message["Subject"] == one.subject
    assert message["X-Unsent"] == "1" and message["Date"] is None
    assert message.get_content_type() == "multipart/alternative"
    parts = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    text, page = parts
    assert (text, page) == (one.text, one.html)
    assert one.eml().isascii() and max(map(len, one.eml().splitlines())) <= 998


@pytest.mark.parametrize(
    "sender", ["", "Ada", "ada@", "@", "Ada <ada@contoso.com", "Ada <ä@b.example>"]
)
def test_a_sender_need_not_be_an_address(sender: str) -> None:
    """A name alone signs the notice; the mail program knows who sends it."""
    message = draft(notice(sender=sender))
    assert message["From"] is None
    assert sender in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_rehearsal_says_so() -> None:
    """A notice made in the rehearsal cloud cannot be mistaken for a real one."""
    one = notice(account=ACCOUNT.model_copy(update={"cloud": "rehearsal"}))
    assert "REHEARSAL" in one.text and "Rehearsal." in Page(one.html).words
    assert "rehearsal" not in (notice().text + notice().html).lower()


# --- the link ----------------------------------------------------------------------------------


def test_the_link_is_there_only_when_asked_for() -> None:
    """In both forms whole; nowhere else, and not in what a log would show."""
    one = notice(link=LINK)
    assert LINK in one.text and Page(one.html).links == [LINK]
    assert "otp" not in repr(one) + one.subject
    without = notice()
    assert "http" not in without.text + without.html


@pytest.mark.parametrize(
    "link", ["http://codat.io", "javascript:alert(1)", "https://a b", "https://a\r\nBcc: x", "x"]
)
def test_only_an_address_is_a_link(link: str) -> None:
    """Anything else is refused."""
    with pytest.raises(FixInput, match="link is not an https address") as caught:
        notice(link=link)
    assert "Bcc" not in str(caught.value)


def test_another_secret_does_not_get_in(tmp_path: Path) -> None:
    """What looks like a secret is masked, also beside the link."""
    (tmp_path / "notice.txt").write_text("Subject: S\n{{ link }} client_secret=hunter22\n", "utf-8")
    one = notice(link=LINK, templates=tmp_path)
    assert LINK in one.text and "hunter22" not in one.text


# --- what cannot get in --------------------------------------------------------------------------


def test_names_are_escaped() -> None:
    """Mark-up in a name is shown as it is written, and does nothing."""
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}'
    customer = CUSTOMER.model_copy(update={"display_name": evil, "company": evil})
    one = notice(customer, application=evil, sender=evil)
    page = Page(one.html)
    assert evil in page.words and evil in one.text and evil in one.subject
    assert not page.tags & {"script", "img"} and "<script" not in one.html


@pytest.mark.parametrize("bad", ["A\r\nBcc: x@y.example", "A\nB", "A\x1b[31m", "A\x85B", "A\u2028"])
@pytest.mark.parametrize("where", ["application", "sender"])
def test_more_than_a_line_is_refused(bad: str, where: str) -> None:
    """No header can be added, and no terminal steered."""
    texts: dict[str, Any] = {where: bad}
    with pytest.raises(FixInput, match=f"{where}.* is not one line"):
        notice(**texts)


ONE_LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)


@settings(deadline=None)
@given(
    name=ONE_LINE, application=ONE_LINE, sender=ONE_LINE | ONE_LINE.map("{} <a@b.example>".format)
)
def test_any_names_make_a_draft(name: str, application: str, sender: str) -> None:
    """Whatever the names are, headers stay what they are meant to be and come back unchanged."""
    customer = CUSTOMER.model_copy(update={"display_name": name})
    one = notice(customer, application=application, sender=sender)
    message = draft(one)
    assert set(message) - {"From"} == {"Subject", "To", "X-Unsent", "MIME-Version", "Content-Type"}
    assert message["Subject"] == one.subject
    assert message["To"] == "ada@northwind.example"
    if message["From"] is not None:
        assert [one.addr_spec for one in message["From"].addresses] == ["a@b.example"]


# --- the engineer's own templates ----------------------------------------------------------------


def own(folder: Path, name: str, text: str | bytes) -> Path:
    """A workspace's folder of templates, with one in it."""
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(raw)
    return folder


def test_own_templates_take_the_place(tmp_path: Path) -> None:
    """Subject, text and page in the engineer's own words; one of them alone will do."""
    own(tmp_path, "notice.txt", "Subject: Für {{ customer.display_name }}\n\nHallo {{ sender }}\n")
    one = notice(templates=tmp_path, sender="Ada")
    assert (one.subject, one.text) == ("Für Nørthwind 株式会社 🧾", "Hallo Ada\n")
    assert "Before you begin" in one.html and "Für Nørthwind" in one.html
    own(tmp_path, "notice.html", "<p>{{ subject }}{{ customer.tenant }}: {{ '<' }}</p>")
    assert notice(templates=tmp_path).html == "<p>Für Nørthwind 株式会社 🧾: &lt;</p>\n"


def test_a_folder_without_templates_is_no_trouble(tmp_path: Path) -> None:
    """Then, or when it is not there, the package's own are used."""
    assert notice(templates=tmp_path) == notice(templates=tmp_path / "none") == notice()


@pytest.mark.parametrize(
    ("name", "text", "line", "says"),
    [
        ("notice.html", "a\n{% if %}\n", 2, "this is not a template"),
        ("notice.html", "a\n\n{{ custmer.name }}\n", 3, 'did you mean "customer"'),
        ("notice.html", "a\n{{ customer.enviroment }}\n", 2, 'did you mean "environment"'),
        ("notice.html", "{% for p in preflight %}\n{{ p.titel }}\n{% endfor %}", 2, '"title"'),
        ("notice.html", "a\n{{ 1 / 0 }}\n", 2, "cannot be rendered"),
        ("notice.html", "a\n{% include 'foot.html' %}\n", 2, 'no template "foot.html"'),
        ("notice.html", "a\n{{ x | wordrap }}\n", 2, "this is not a template"),
        ("notice.html", "ä".encode("latin-1"), 0, "UTF-8"),
        ("notice.txt", "Subject: a\n{{ accont }}\n", 2, 'there is no "accont" here'),
        ("notice.txt", "Hello\n", 1, "does not begin with the subject"),
        ("notice.txt", "Subject:\nHello\n", 1, "does not begin with the subject"),
    ],
)
def test_mistakes_in_own_templates_are_located(
    name: str, text: str | bytes, line: int, says: str, tmp_path: Path
) -> None:
    """File, line, and what is wrong; nothing about the program's inside."""
    own(tmp_path, name, text)
    with pytest.raises(FixInput) as caught:
        notice(templates=tmp_path)
    message = str(caught.value)
    assert says in message and name in message
    assert f"{tmp_path / name}, line {line}" in message if line else "line" not in message
    assert "jinja" not in message.lower() and "object" not in message


def test_a_mistake_in_an_included_template_is_located(tmp_path: Path) -> None:
    """It is told for the template that was asked for, at the line that includes the other."""
    own(tmp_path, "foot.html", "{{ nobody }}")
    own(tmp_path, "notice.html", "a\n{% include 'foot.html' %}\n")
    with pytest.raises(FixInput, match=r"notice.html, line 2: there is no .nobody"):
        notice(templates=tmp_path)
