"""Render the notice to a customer, from the package's templates or the engineer's own."""

from __future__ import annotations

import dataclasses
import re
import traceback
from email.headerregistry import Address
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.accounts.forms import EMAIL
from bcrunbook.errors import FixInput, nearest
from bcrunbook.notice.model import Notice
from bcrunbook.notice.preflight import PREFLIGHT
from bcrunbook.secrets import scrub

if TYPE_CHECKING:
    from jinja2 import Environment

_TEXT: Final = "notice.txt"
_HTML: Final = "notice.html"
_SUBJECT: Final = "Subject:"


def render(
    customer: Customer,
    account: Account,
    *,
    application: str,
    sender: str = "",
    link: str = "",
    templates: Path | None = None,
) -> Notice:
    """Render the notice. Nothing is written or sent.

    Args:
        customer: whom it is for.
        account: the account that the customer belongs to.
        application: the name under which Microsoft shows the application.
        sender: who signs it: a name, an address, or `NAME <ADDRESS>`. An address becomes the
            draft's sender.
        link: the customer's own link, if it is to be in the notice.
        templates: a folder where a `notice.txt` or `notice.html` may stand in for the package's
            own. They get `customer`, `application`, `sender`, `link`, `preflight`,
            `is_rehearsal`, and the page `subject`, which is the first line of the text.

    Raises:
        FixInput: a template of that folder cannot be used; names file and line. Or the
            application, the sender or the link is not what it should be.
    """
    _one_line("application's name", application)
    _one_line("sender", sender)
    # In a rehearsal the customer's browser is on this machine, where the pages are plain http.
    scheme = "https" if account.cloud == "live" else r"https?"
    if link and not re.fullmatch(rf"{scheme}://[!-~]+", link):
        raise FixInput("The link is not an https address.", where="the notice")
    values = {
        "customer": customer,
        "application": application,
        "sender": sender,
        "link": link,
        "preflight": PREFLIGHT,
        "is_rehearsal": account.cloud == "rehearsal",
    }
    rendering = _Rendering(templates)
    letter = _scrubbed(rendering.of(_TEXT, values), link)
    first, _, text = letter.partition("\n")
    subject = first.removeprefix(_SUBJECT).strip()
    if not first.startswith(_SUBJECT) or not subject.isprintable() or not subject:
        raise FixInput(
            f"{_TEXT} does not begin with the subject.",
            where=rendering.location(_TEXT, 1),
            next=f'begin the file with a line such as "{_SUBJECT} Before you link your books"',
        )
    page = rendering.of(_HTML, {**values, "subject": subject})
    return Notice(
        to=customer.contact,
        subject=subject,
        text=text.strip("\n") + "\n",
        html=_scrubbed(page, escape(link)) + "\n",
        sender=_address(sender),
    )


def _one_line(what: str, value: str) -> None:
    if any(ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u2028\u2029" for char in value):
        raise FixInput(f"The {what} is not one line of text.", where="the notice")


def _address(sender: str) -> Address | None:
    """The address in what signs the notice, if there is one."""
    match = re.fullmatch(rf"(.*?)\s*<({EMAIL})>|({EMAIL})", sender)
    return Address(match[1] or "", addr_spec=match[2] or match[3]) if match else None


def _scrubbed(text: str, link: str) -> str:
    """The text without secrets, but for the link, which was asked for and is one."""
    parts = text.split(link) if link else [text]
    return link.join(scrub(part, where="a notice") for part in parts)


class _Rendering:
    """Templates of the engineer's folder, or else the package's; says what is wrong in the former.

    Args:
        folder: the engineer's folder.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def of(self, name: str, values: dict[str, Any]) -> str:
        """The template of this name, rendered.

        Raises:
            FixInput: it is the engineer's, and cannot be used.
        """
        try:
            return self._environment().get_template(name).render(values).strip()
        except Exception as error:
            line = self._line(name, error)
            if line is None:
                raise
            raise FixInput(
                f"{name}{f', line {line}' if line else ''}: {_reason(error, values)}.",
                where=self.location(name, line),
                next="correct the template, or remove it to use the one that comes with bcrunbook",
            ) from None

    def location(self, name: str, line: int) -> str:
        """Where a template's line is."""
        path = self._own(name)
        return f"{path or name}{f', line {line}' if line else ''}"

    def _own(self, name: str) -> Path | None:
        path = self._folder / name if self._folder else None
        return path if path is not None and path.is_file() else None

    def _environment(self) -> Environment:
        from jinja2 import (
            ChoiceLoader,
            Environment,
            FileSystemLoader,
            PackageLoader,
            StrictUndefined,
            select_autoescape,
        )

        own = [FileSystemLoader(self._folder)] if self._folder else []
        return Environment(
            loader=ChoiceLoader([*own, PackageLoader("bcrunbook.notice")]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            finalize=lambda value: "" if value is None else value,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def _line(self, name: str, error: Exception) -> int | None:
        """The line of the engineer's template where it went wrong; 0: unknown; None: not theirs."""
        from jinja2 import TemplateSyntaxError

        path = self._own(name)
        if path is None:
            return None
        if isinstance(error, TemplateSyntaxError):
            return error.lineno
        frames = traceback.extract_tb(error.__traceback__)
        return next((one.lineno or 0 for one in reversed(frames) if one.filename == str(path)), 0)


def _reason(error: Exception, values: dict[str, Any]) -> str:
    from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

    if isinstance(error, UndefinedError):
        return _unknown(error.message or "", values)
    if isinstance(error, TemplateNotFound):
        return f'there is no template "{error.message}"'
    if isinstance(error, TemplateSyntaxError):
        return f"this is not a template: {(error.message or '').rstrip('.')}"
    if isinstance(error, UnicodeDecodeError):
        return "this is not UTF-8 text; save it as UTF-8"
    return f"the template cannot be rendered ({type(error).__name__})"


def _unknown(message: str, values: dict[str, Any]) -> str:
    """What an undefined name is likely to have been meant for."""
    if name := re.fullmatch(r"'(\w+)' is undefined", message):
        return f'there is no "{name[1]}" here; {nearest(name[1], values)}'.rstrip("?")
    if name := re.search(r"has no attribute '(\w+)'", message):
        known = {"Customer": Customer.model_fields, "Preparation": _fields_of_preparation()}
        kind = next((kind for kind in known if f"{kind} object" in message), "")
        hint = f"; {nearest(name[1], known[kind])}".rstrip("?") if kind else ""
        return f'there is no "{name[1]}" here{hint}'
    return "a name in it stands for nothing"


def _fields_of_preparation() -> list[str]:
    return [one.name for one in dataclasses.fields(PREFLIGHT[0])]
