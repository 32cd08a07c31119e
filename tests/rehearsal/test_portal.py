"""The stand-in for the Codat Portal, over plain HTTP."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import (
    PortalPerson,
    UnexpectedPage,
    act_as_developer,
    developer_of,
)
from tests.rehearsal.support import lines

PORTAL = "/app.codat.io"
ACCOUNTING = f"{PORTAL}/settings/integrations/accounting"
BUSINESS_CENTRAL_PAGE = f"{ACCOUNTING}/manage/trji"
NETSUITE = f"{ACCOUNTING}/manage/akxx"
API_KEYS = f"{PORTAL}/developers/api-keys"
SIGN_IN = f"{PORTAL}/sign-in"

TEST = "Millrace Software (test)"
LIVE = "Millrace Software"
FREE = "Quill & Ledger"

ADMINISTRATOR = "dana.reyes@millrace.example"
DEVELOPER = "lee.osei@millrace.example"
ANALYST = "ana.flores@millrace.example"
ADVISOR = "pat.singh@millrace.example"
ONBOARDING = "kim.berg@millrace.example"

Visitor = Callable[..., "Browser"]


class Browser:
    """Somebody's browser, by hand: pages are got and forms posted as a test says."""

    def __init__(self, description: RehearsalDescription) -> None:
        self.description = description
        self.http = httpx.Client(base_url=description.pages, trust_env=False, follow_redirects=True)

    def get(self, path: str) -> httpx.Response:
        """A page, after all redirections."""
        return self.http.get(path)

    def fields(self, page: str, around: str = "<main") -> dict[str, str]:
        """The hidden fields of the first form after a text of the page."""
        form = page[page.index(around) :]
        form = form[form.index("<form") : form.index("</form>")]
        found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        return {name: unescape(value) for name, value in found}

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Post with the hidden fields of this session, whatever the person may see."""
        start = self.get(PORTAL).text
        chosen = re.search(r'<option value="([^"]+)" selected', start)
        assert chosen
        carried = {
            "form_token": self.fields(start, "<header")["form_token"],
            "shown_for": chosen[1],
        }
        return self.http.post(path, data={**carried, **fields})

    def sign_in(self, email: str, password: str, path: str = PORTAL) -> httpx.Response:
        """Ask for a page and sign in on the way."""
        page = self.get(path)
        given = {"email": email, "password": password}
        return self.http.post(SIGN_IN, data={**self.fields(page.text), **given})

    def choose(self, instance: str) -> httpx.Response:
        """Switch to the instance of that name."""
        start = self.get(PORTAL).text
        options = re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)', start)
        (key,) = [key for key, name in options if unescape(name) == instance]
        return self.post(f"{PORTAL}/switch-instance", instance=key)


def password_of(description: RehearsalDescription, email: str) -> str:
    """The password of one of the portal's users."""
    (found,) = [user["password"] for user in description.codat["users"] if user["email"] == email]
    return str(found)


@pytest.fixture
def visitor(rehearsal: RehearsalDescription) -> Iterator[Visitor]:
    """A function that gives a signed-in browser of somebody, in one of their instances."""
    made: list[Browser] = []

    def make(
        email: str = "", instance: str = TEST, on: RehearsalDescription = rehearsal
    ) -> Browser:
        browser = Browser(on)
        made.append(browser)
        if email:
            assert browser.sign_in(email, password_of(on, email)).status_code == 200
            browser.choose(instance)
        return browser

    yield make
    for browser in made:
        browser.http.close()


def row(page: httpx.Response, name: str) -> str:
    """The row of the list that is about an integration."""
    found = re.search(rf'<tr><th scope="row">{re.escape(name)}.*?</tr>', page.text, re.S)
    assert found, name
    return found[0]


def test_signing_in_leads_to_the_page_that_was_asked_for(
    rehearsal: RehearsalDescription, visitor: Visitor
) -> None:
    """Without a session every page asks who it is; afterwards that very page is shown."""
    browser = visitor()
    asked = browser.get(ACCOUNTING)
    assert asked.url.path == SIGN_IN and "Names and passwords are in rehearsal.json" in asked.text
    assert DEVELOPER in asked.text and "stand-in, not Codat" in asked.text
    shown = browser.sign_in(DEVELOPER.upper(), password_of(rehearsal, DEVELOPER), ACCOUNTING)
    assert shown.url.path == ACCOUNTING and "Lee Osei" in shown.text and "Developer" in shown.text
    assert browser.get(SIGN_IN).url.path == PORTAL


def test_wrong_names_and_passwords(visitor: Visitor) -> None:
    """A wrong password and an unknown person are told apart by nobody."""
    browser = visitor()
    for email in (DEVELOPER, "nobody@millrace.example"):
        page = browser.sign_in(email, "wröng")
        assert 'role="alert"' in page.text and "is wrong" in page.text and email in page.text
        assert browser.get(ACCOUNTING).url.path == SIGN_IN


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/devicelogin",
        f"{PORTAL}.evil.example",
        f"{PORTAL}/../devicelogin",
        f"{PORTAL}/%2e%2e/devicelogin",
        f"{PORTAL}\\evil.example",
        f"{PORTAL}/x\r\nSet-Cookie: a=b",
    ],
)
def test_signing_in_leads_nowhere_else(
    rehearsal: RehearsalDescription, visitor: Visitor, elsewhere: str
) -> None:
    """The page to go on to is one of the portal's own, whatever the address says."""
    browser = visitor()
    page = browser.http.get(SIGN_IN, params={"next": elsewhere})
    fields = browser.fields(page.text)
    assert fields["next"] == PORTAL
    person = {"email": DEVELOPER, "password": password_of(rehearsal, DEVELOPER)}
    browser.http.follow_redirects = False
    answer = browser.http.post(SIGN_IN, data={**fields, **person, "next": elsewhere})
    assert answer.status_code == 303 and answer.headers["location"] == PORTAL


def test_the_session_cookie(rehearsal: RehearsalDescription, visitor: Visitor) -> None:
    """The cookie is out of scripts' and other sites' reach, and new after signing in.

    It is counted among the secrets; signing out ends it for good.
    """
    browser = visitor()
    browser.get(PORTAL)
    (before,) = browser.http.cookies.jar
    answer = browser.sign_in(DEVELOPER, password_of(rehearsal, DEVELOPER)).history[0]
    header = answer.headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header and f"Path={PORTAL}" in header
    (after,) = browser.http.cookies.jar
    assert before.value != after.value and after.value in lines(rehearsal.canaries)
    assert browser.post(f"{PORTAL}/sign-out").url.path == SIGN_IN
    assert browser.get(PORTAL).url.path == SIGN_IN
    with httpx.Client(base_url=rehearsal.pages, trust_env=False) as other:
        kept = {"Cookie": f'odd={{"json"}}; {after.name}={after.value}'}
        assert other.get(PORTAL, headers=kept).status_code == 303


def test_posts_need_the_form(visitor: Visitor) -> None:
    """A post that does not come from a form of this session is refused and changes nothing."""
    browser, other = visitor(DEVELOPER), visitor(DEVELOPER)
    foreign = other.fields(other.get(PORTAL).text, "<header")["form_token"]
    before = browser.get(BUSINESS_CENTRAL_PAGE).text
    for token in ("", "wröng", foreign):
        typed = {"action": "save", "client_id": "a", "client_secret": "b"}
        assert browser.post(BUSINESS_CENTRAL_PAGE, **typed, form_token=token).status_code == 403
        for path in (ACCOUNTING, f"{PORTAL}/switch-instance", f"{PORTAL}/sign-out"):
            assert browser.post(path, form_token=token).status_code == 403
    assert browser.get(BUSINESS_CENTRAL_PAGE).text == before
    answer = visitor().http.post(SIGN_IN, data={"email": DEVELOPER, "password": "x"})
    assert answer.status_code == 403
    lapsed = visitor().http.post(BUSINESS_CENTRAL_PAGE, data={"action": "save"})
    assert lapsed.url.path == SIGN_IN and lapsed.url.params["next"] == BUSINESS_CENTRAL_PAGE


def test_keys_are_kept_exactly_as_typed(rehearsal: RehearsalDescription, visitor: Visitor) -> None:
    """Blanks and odd characters stay; the client id is shown, the secret never again.

    contract C6.2 and C6.6
    """
    browser = visitor(ADMINISTRATOR, LIVE)
    client_id, secret = '  <b>"id"&amp; ', f" s&e+c%20={secrets.token_hex(8)} "
    typed = {"client_id": client_id, "client_secret": secret}
    saved = browser.post(NETSUITE, action="save", **typed)
    assert "were saved" in saved.text and "Enable Oracle NetSuite</h2>" in saved.text
    assert "<div inert>" in saved.text
    again = browser.get(NETSUITE)
    assert "were saved" not in again.text and "<dialog" not in again.text
    found = re.search(r'name="client_id" type="text" value="([^"]*)"', again.text)
    assert found and unescape(found[1]) == client_id and "<b>" not in again.text
    assert 'name="client_secret" type="password" value=""' in again.text
    assert "A secret is saved" in again.text and ADMINISTRATOR in again.text
    assert secret in lines(rehearsal.canaries)
    listed = browser.get(ACCOUNTING)
    assert "Manage</a>" in row(listed, "Oracle NetSuite")
    for page in (saved, again, listed, browser.get(PORTAL), browser.get(API_KEYS)):
        assert secret.strip() not in unescape(page.text)
        assert "no-store" in page.headers["cache-control"]
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_copied_instance_has_the_others_keys(
    rehearsal: RehearsalDescription, visitor: Visitor
) -> None:
    """Enabled and with Manage from the first day, until it gets its own (contract C1.11)."""
    act_as_developer(rehearsal, LIVE, "id-of-production", "secret-of-production")
    copy = visitor(ADMINISTRATOR, f"{LIVE} (copy)")
    shown = row(copy.get(ACCOUNTING), "Dynamics 365 Business Central")
    assert "Manage</a>" in shown and 'aria-checked="true"' in shown
    assert 'value="id-of-production"' in copy.get(BUSINESS_CENTRAL_PAGE).text
    copy.post(BUSINESS_CENTRAL_PAGE, action="save", client_id="id-of-copy", client_secret="other")
    assert 'value="id-of-copy"' in copy.get(BUSINESS_CENTRAL_PAGE).text
    live = visitor(ADMINISTRATOR, LIVE)
    assert 'value="id-of-production"' in live.get(BUSINESS_CENTRAL_PAGE).text


def test_empty_fields_save_nothing(visitor: Visitor) -> None:
    """Both fields are needed; what was typed as client id stays in its field."""
    browser = visitor(ADMINISTRATOR, LIVE)
    page = f"{ACCOUNTING}/manage/rqwd"
    for client_id, secret in (("", ""), ("typed-id", ""), ("", "typed-secret")):
        typed = {"client_id": client_id, "client_secret": secret}
        answer = browser.post(page, action="save", **typed)
        assert answer.status_code == 400 and "Nothing was saved" in answer.text
        assert f'value="{client_id}"' in answer.text and "typed-secret" not in answer.text
    assert "Set up</a>" in row(browser.get(ACCOUNTING), "Dynamics 365 Finance")
    assert browser.post(page, action="save").status_code == 400
    assert browser.post(page, action="other").status_code == 400


def test_instances_are_separate(rehearsal: RehearsalDescription, visitor: Visitor) -> None:
    """What is saved in one instance is not there in another; the header says where one is.

    contract C6.2 and C6.8
    """
    browser = visitor(DEVELOPER, LIVE)
    browser.post(f"{ACCOUNTING}/manage/gbol", action="save", client_id="live", client_secret="x")
    assert "Manage</a>" in row(browser.get(ACCOUNTING), "Xero")
    assert "(test)</h1>" in browser.choose(TEST).text
    assert "Set up</a>" in row(browser.get(ACCOUNTING), "Xero")
    options = re.findall(r"<option [^>]+>([^<]+)", browser.get(PORTAL).text)
    assert options == [LIVE, TEST]
    assert "Free" not in browser.get(PORTAL).text


def test_an_instance_without_a_role_cannot_be_chosen(visitor: Visitor) -> None:
    """An instance's id alone lets nobody in."""
    administrator, developer = visitor(ADMINISTRATOR, FREE), visitor(DEVELOPER)
    page = administrator.get(PORTAL).text
    (key,) = re.findall(r'<option value="([^"]+)" selected', page)
    for chosen in (key, "", "x"):
        answer = developer.post(f"{PORTAL}/switch-instance", instance=chosen)
        assert answer.status_code == 403
    assert f"{TEST}</h1>" in developer.get(PORTAL).text


def test_a_form_shown_for_another_instance_changes_nothing(visitor: Visitor) -> None:
    """Whoever switches the instance in one tab does not save into it from another tab."""
    browser = visitor(ADMINISTRATOR, LIVE)
    page = f"{ACCOUNTING}/manage/vjms"
    left_open = browser.fields(browser.get(page).text)
    browser.choose(TEST)
    typed = {"action": "save", "client_id": "id", "client_secret": "x"}
    answer = browser.http.post(page, data={**left_open, **typed})
    assert answer.status_code == 409 and "Nothing was changed" in answer.text
    for instance in (TEST, LIVE):
        browser.choose(instance)
        assert "Set up</a>" in row(browser.get(ACCOUNTING), "Pandle")


@pytest.mark.parametrize(
    ("email", "role"), [(ANALYST, "Analyst"), (ADVISOR, "Advisor"), (ONBOARDING, "Onboarding")]
)
def test_other_roles_only_look(visitor: Visitor, email: str, role: str) -> None:
    """They see the list and why they see no buttons; their posts change nothing.

    contract C1.8, C6.7, C6.10 and C12.1
    """
    browser, developer = visitor(email), visitor(DEVELOPER)
    shown = browser.get(ACCOUNTING)
    assert f"is {role}, which cannot manage integrations" in shown.text
    for button in ("Set up</a>", "Manage</a>", 'role="switch"'):
        assert button not in shown.text
    before = developer.get(ACCOUNTING).text
    typed = {"action": "save", "client_id": "id", "client_secret": "x"}
    for answer in (
        browser.get(BUSINESS_CENTRAL_PAGE),
        browser.get(API_KEYS),
        browser.post(BUSINESS_CENTRAL_PAGE, **typed),
        browser.post(BUSINESS_CENTRAL_PAGE, enabled="yes"),
        browser.post(BUSINESS_CENTRAL_PAGE, action="later"),
        browser.post(ACCOUNTING, platform="mqjo", enabled="no"),
    ):
        assert answer.status_code == 403 and f"is {role}" in answer.text
    assert developer.get(ACCOUNTING).text == before


def test_premium_integrations_on_a_free_plan(visitor: Visitor) -> None:
    """They are flagged, with neither Set up nor a toggle, and refused; others work.

    contract C6.9, C6.10 and C12.1
    """
    browser = visitor(ADMINISTRATOR, FREE)
    shown = browser.get(ACCOUNTING)
    mine = row(shown, "Dynamics 365 Business Central")
    assert "Premium" in mine and "account manager" in mine
    assert "Set up" not in mine and "switch" not in mine
    typed = {"action": "save", "client_id": "id", "client_secret": "x"}
    for answer in (
        browser.get(BUSINESS_CENTRAL_PAGE),
        browser.post(BUSINESS_CENTRAL_PAGE, **typed),
        browser.post(BUSINESS_CENTRAL_PAGE, enabled="yes"),
        browser.post(ACCOUNTING, platform="trji", enabled="yes"),
    ):
        assert answer.status_code == 403 and "account manager" in answer.text
    assert row(browser.get(ACCOUNTING), "Dynamics 365 Business Central") == mine
    browser.post(f"{ACCOUNTING}/manage/gbol", **typed)
    assert "Manage</a>" in row(browser.get(ACCOUNTING), "Xero")


def test_nothing_is_enabled_before_it_is_set_up(visitor: Visitor) -> None:
    """The toggle waits for keys; the Sandbox needs none and is on from the beginning.

    contract C5.13
    """
    browser = visitor(DEVELOPER, TEST)
    mine = row(browser.get(ACCOUNTING), "QuickBooks Online")
    assert " disabled>" in mine and 'aria-checked="false"' in mine
    answer = browser.post(ACCOUNTING, platform="qhyg", enabled="yes")
    assert "Set up QuickBooks Online before you enable it" in answer.text
    assert row(answer, "QuickBooks Online") == mine
    sandbox = row(answer, "Codat Sandbox")
    assert 'aria-checked="true"' in sandbox and "Not needed" in sandbox
    off = browser.post(ACCOUNTING, platform="mqjo", enabled="no")
    assert 'aria-checked="false"' in row(off, "Codat Sandbox")
    browser.post(ACCOUNTING, platform="mqjo", enabled="yes")


def test_other_pages(visitor: Visitor) -> None:
    """Banking is listed, the API keys' page prints no key, everything else is said not to be.

    contract C6.1 and C6.13
    """
    browser = visitor(DEVELOPER)
    assert browser.get(ACCOUNTING).status_code == 200
    banking = browser.get(f"{PORTAL}/settings/integrations/banking")
    assert "Plaid" in banking.text and "Set up</a>" not in banking.text
    keys = browser.get(API_KEYS).text
    assert "rehearsal.json" in keys
    for instance in browser.description.codat["instances"]:
        assert instance["api_key"] not in keys
    assert browser.get(f"{PORTAL}/settings/integrations/").url.path == ACCOUNTING
    assert browser.get(f"{PORTAL}/sign-out").url.path == PORTAL
    for path in ("/nothing", "/settings/integrations/accounting/manage/mqjo"):
        assert browser.get(PORTAL + path).status_code == 404
    assert browser.post(API_KEYS).status_code == 405
    assert browser.post(ACCOUNTING, platform="suuo", enabled="yes").status_code == 404
    assert browser.http.head(ACCOUNTING).status_code == 200


def test_a_restart_keeps_settings_and_sessions(tmp_path: Path, visitor: Visitor) -> None:
    """Keys, the toggle and who is signed in outlive the server; a person says now and later.

    contract C6.3 and C6.4
    """
    with launch(tmp_path / "cloud") as description:
        act_as_developer(description, TEST, "kept-id", "kept-secret")
        act_as_developer(description, LIVE, "other-id", "other-secret", enable="later")
        before = visitor(DEVELOPER, TEST, description)
    with launch(tmp_path / "cloud") as description:
        cookies = {cookie.name: cookie.value or "" for cookie in before.http.cookies.jar}
        after = visitor(on=description)
        after.http.cookies.update(cookies)
        assert 'value="kept-id"' in after.get(BUSINESS_CENTRAL_PAGE).text
        mine = "Dynamics 365 Business Central"
        assert 'aria-checked="true"' in row(after.get(ACCOUNTING), mine)
        after.choose(LIVE)
        assert 'value="other-id"' in after.get(BUSINESS_CENTRAL_PAGE).text
        assert 'aria-checked="false"' in row(after.get(ACCOUNTING), mine)


def test_the_actor_enables_what_was_left_for_later(rehearsal: RehearsalDescription) -> None:
    """Saving again asks nothing; "later" leaves the toggle alone, "now" sees to it.

    contract C6.4 and C12.2
    """
    person = PortalPerson(rehearsal, ADMINISTRATOR)
    person.sign_in()
    person.choose(LIVE)
    name = "QuickBooks Online"
    person.save_keys("1", "a", enable="later", platform=name)
    assert not person.is_enabled(platform=name)
    person.save_keys("2", "b", enable="later", platform=name)
    assert not person.is_enabled(platform=name)
    person.save_keys("3", "c", platform=name)
    assert person.is_enabled(platform=name)
    person.toggle(False, platform=name)
    person.toggle(False, platform=name)
    assert not person.is_enabled(platform=name)
    person.toggle(True, platform=name)
    assert person.is_enabled(platform=name)


def test_the_actor_says_what_was_not_as_expected(rehearsal: RehearsalDescription) -> None:
    """A page without the button, field or choice is named, with what it said itself."""
    analyst = PortalPerson(rehearsal, ANALYST)
    with pytest.raises(UnexpectedPage, match="no button 'Switch'"):
        analyst.choose(TEST)
    analyst.sign_in()
    with pytest.raises(UnexpectedPage, match="neither Set up nor Manage"):
        analyst.save_keys("typed-id", "typed-secret")
    with pytest.raises(UnexpectedPage, match="is not offered as 'Instance'"):
        analyst.choose(FREE)
    with pytest.raises(UnexpectedPage, match="no button 'Enable Xero'"):
        analyst.toggle(True, platform="Xero")
    developer = PortalPerson(rehearsal, DEVELOPER)
    developer.sign_in()
    developer.choose(TEST)
    with pytest.raises(UnexpectedPage, match=r"Nothing was saved.*no confirmation") as refusal:
        developer.save_keys("", "typed-secret", platform="Xero")
    assert "typed-secret" not in str(refusal.value)
    with pytest.raises(UnexpectedPage, match="cannot be pressed"):
        developer.toggle(True, platform="Xero")
    assert developer_of(rehearsal, FREE) == ADMINISTRATOR
    with pytest.raises(UnexpectedPage, match="nobody may manage"):
        developer_of(rehearsal, "Elsewhere")
    with pytest.raises(UnexpectedPage, match="is wrong"):
        PortalPerson(_with_wrong_passwords(rehearsal), DEVELOPER).sign_in()


def _with_wrong_passwords(description: RehearsalDescription) -> RehearsalDescription:
    users = [{**user, "password": "wrong"} for user in description.codat["users"]]
    return RehearsalDescription(
        **{**description.__dict__, "codat": {**description.codat, "users": users}}
    )


def test_what_is_typed_is_in_no_address(rehearsal: RehearsalDescription) -> None:
    """The request log holds neither keys nor passwords of the portal."""
    secret = f"leak-{secrets.token_hex(8)}"
    person = PortalPerson(rehearsal, ADMINISTRATOR)
    person.sign_in()
    person.choose(FREE)
    person.save_keys(secret, secret, enable="later", platform="Pandle")
    log = Path(rehearsal.requests).read_text("utf-8")
    assert secret not in log and password_of(rehearsal, ADMINISTRATOR) not in log


def test_a_typed_value_too_short_to_search_for_is_no_canary(
    rehearsal: RehearsalDescription,
) -> None:
    """A leak test would find a single letter in any text."""
    instance = rehearsal.codat["instance"]
    person = PortalPerson(rehearsal, developer_of(rehearsal, instance))
    person.sign_in()
    person.choose(instance)
    person.save_keys("an-id", "x", enable="later", platform="Pandle")
    assert "x" not in lines(rehearsal.canaries)
