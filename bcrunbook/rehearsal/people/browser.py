"""A browser without JavaScript, for the people whom a rehearsal plays.

It gets pages and sends forms off by what a person reads on them: labels, buttons, the words of a
link. What is typed travels in request bodies only, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

SECONDS: Final = 30.0


class UnexpectedPage(Exception):
    """A page shows something else than the person needs.

    The text says what, without values that were typed.
    """


@dataclass(frozen=True)
class Button:
    """A button of a form, and what is sent along if it is pressed."""

    text: str
    name: str
    value: str
    disabled: bool
    checked: bool


@dataclass
class Form:
    """A form: where it goes, what it sends as it stands, and what can be chosen and pressed."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """The names of controls by their ids."""
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each drop-down the values by the texts that it shows."""
    buttons: list[Button] = field(default_factory=list)


class Page(HTMLParser):
    """A page as somebody reads it: forms, links by their words, messages, the heading."""

    def __init__(self, address: str, status: int, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.status = status
        self.heading = ""
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.messages: list[str] = []
        self._labels: dict[str, str] = {}
        self._open: list[tuple[str, list[str], Callable[[str], None]]] = []
        self._in_form = False
        self._drop_down = ""
        self.feed(text)
        self.close()

    def __str__(self) -> str:
        notices = f" ({' '.join(self.messages)})" if self.messages else ""
        return f"the page {self.heading!r}, status {self.status}{notices}"

    def has_button(self, text: str) -> bool:
        """Whether there is a button that can be pressed."""
        return any(b.text == text and not b.disabled for form in self.forms for b in form.buttons)

    def button(self, text: str) -> Button:
        """The button with a text."""
        return self._button(text)[1]

    def options(self, label: str) -> list[str]:
        """What a drop-down offers, by the words it shows; nothing where there is none."""
        for form in self.forms:
            name = form.names.get(self._labels.get(label, ""), "")
            if name in form.choices:
                return list(form.choices[name])
        return []

    def filled(self, button: str, typed: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Where a form goes and with which fields, once filled in and sent off with a button."""
        form, pressed = self._button(button)
        if pressed.disabled:
            raise UnexpectedPage(f"{self}: the button {button!r} cannot be pressed")
        values = dict(form.values)
        for label, value in typed.items():
            name = form.names.get(self._labels.get(label, ""))
            if name is None:
                raise UnexpectedPage(f"{self}: no field {label!r} next to the button {button!r}")
            choices = form.choices.get(name)
            if choices is not None and value not in choices:
                raise UnexpectedPage(f"{self}: {value!r} is not offered as {label!r}")
            values[name] = value if choices is None else choices[value]
        if pressed.name:
            values[pressed.name] = pressed.value
        return urljoin(self.address, form.action), values

    def _button(self, text: str) -> tuple[Form, Button]:
        for form in self.forms:
            for button in form.buttons:
                if button.text == text:
                    return form, button
        raise UnexpectedPage(f"{self}: there is no button {text!r}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a form needs, and begin to read an element whose text matters."""
        given = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self._in_form else None
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._in_form = True
        elif tag == "label":
            self._read(tag, lambda text: self._labels.update({text: given.get("for", "")}))
        elif tag == "a":
            self._read(
                tag,
                lambda text: self.links.update(
                    {given.get("aria-label", text): given.get("href", "")}
                ),
            )
        elif tag == "h1":
            self._read(tag, lambda text: setattr(self, "heading", text))
        elif given.get("role") in ("alert", "status"):
            self._read(tag, self.messages.append)
        elif form is not None:
            self._control(form, tag, given)

    def _control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag in ("input", "select") and name:
            if given.get("id"):
                form.names[given["id"]] = name
            if given.get("type") != "checkbox" or "checked" in given:
                form.values[name] = given.get("value", "")
        if tag == "select":
            self._drop_down = name
            form.choices[name] = {}
        elif tag == "option" and self._drop_down:
            menu, value = self._drop_down, given.get("value", "")
            self._read(tag, lambda text: form.choices[menu].update({text: value}))
            if "selected" in given or not form.values[menu]:
                form.values[menu] = value
        elif tag == "button":
            self._read(
                tag,
                lambda text: form.buttons.append(
                    Button(
                        given.get("aria-label", text),
                        name,
                        given.get("value", ""),
                        "disabled" in given,
                        given.get("aria-checked") == "true",
                    )
                ),
            )

    def handle_endtag(self, tag: str) -> None:
        """Leave a form or a list, or hand on the text of an element."""
        if tag == "form":
            self._in_form = False
        elif tag == "select":
            self._drop_down = ""
        elif self._open and self._open[-1][0] == tag:
            _, pieces, done = self._open.pop()
            done(" ".join("".join(pieces).split()))

    def handle_data(self, data: str) -> None:
        """Add text to every element that is being read."""
        for _, pieces, _ in self._open:
            pieces.append(data)

    def _read(self, tag: str, done: Callable[[str], None]) -> None:
        """Hand on the text of an element once it ends."""
        self._open.append((tag, [], done))


class Browser:
    """Gets pages and sends forms off, with cookies. No proxy: the pages are on this machine."""

    def __init__(self) -> None:
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))

    def get(self, address: str) -> Page:
        """A page, whatever its status."""
        return self._sent(Request(address))  # noqa: S310  (an address of the rehearsal's own pages)

    def press(self, page: Page, button: str, typed: dict[str, str] | None = None) -> Page:
        """Fill a page's form in by its labels, press a button, and follow to the next page."""
        address, values = page.filled(button, typed or {})
        return self._sent(Request(address, urlencode(values).encode()))  # noqa: S310  (likewise)

    def _sent(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except HTTPError as refusal:
            with refusal:
                return Page(refusal.url or "", refusal.code, refusal.read().decode())
