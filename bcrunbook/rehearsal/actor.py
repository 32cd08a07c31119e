"""Somebody who goes through the Codat Portal, as a person would, for a rehearsal without one.

Every step is what a browser does: get a page, find the form or the link by the words that a person
reads, fill it in, press the button, follow to the next page. A page that does not look as expected
ends it with `UnexpectedPage`. What is typed travels in request bodies only, never in an address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from bcrunbook.rehearsal.description import RehearsalDescription

ACCOUNTING = "settings/integrations/accounting"
BUSINESS_CENTRAL = "Dynamics 365 Business Central"
DEVELOPER = "Developer"
ADMINISTRATOR = "Administrator"
SECONDS = 30.0

When = Literal["now", "later"]


class UnexpectedPage(Exception):
    """The portal showed something else than the actor needs; the text says what, without values
    that were typed."""


def act_as_developer(
    description: RehearsalDescription,
    instance: str,
    client_id: str,
    client_secret: str,
    *,
    enable: When = "now",
) -> None:
    """Sign in as somebody who may, save a pair of keys for Business Central, and enable it.

    Args:
        description: the running rehearsal cloud.
        instance: the name of the Codat instance.
        client_id: what to type as Client ID.
        client_secret: what to type as Client secret.
        enable: what to answer when asked whether to enable the integration.

    Raises:
        UnexpectedPage: a page was not as expected, or nobody has the role.
    """
    person = PortalPerson(description, developer_of(description, instance))
    person.sign_in()
    person.choose(instance)
    person.save_keys(client_id, client_secret, enable=enable)
    person.sign_out()


def developer_of(description: RehearsalDescription, instance: str) -> str:
    """The e-mail address of a Developer of an instance; of an Administrator where there is none."""
    for role in (DEVELOPER, ADMINISTRATOR):
        for user in description.codat["users"]:
            if user["roles"].get(instance) == role:
                return str(user["email"])
    raise UnexpectedPage(f"nobody may manage integrations in the instance {instance!r}")


class PortalPerson:
    """One person with one browser.

    Args:
        description: the running rehearsal cloud.
        email: who it is; the password is in the description.
    """

    def __init__(self, description: RehearsalDescription, email: str) -> None:
        passwords = {user["email"]: user["password"] for user in description.codat["users"]}
        self.email = email
        self._password = str(passwords[email])
        self._browser = _Browser()
        self._portal = str(description.codat["portal"])

    def sign_in(self) -> None:
        """Sign in; anything but the portal's own pages afterwards is unexpected."""
        page = self._open("")
        page = self._browser.press(
            page, "Sign in", {"E-mail address": self.email, "Password": self._password}
        )
        page.button("Sign out")

    def sign_out(self) -> None:
        """Sign out."""
        self._browser.press(self._open(""), "Sign out").button("Sign in")

    def choose(self, instance: str) -> None:
        """Switch to an instance, by its name."""
        page = self._browser.press(self._open(""), "Switch", {"Instance": instance})
        if page.heading != instance:
            raise UnexpectedPage(f"{page}: the instance is not {instance!r} after switching to it")

    def save_keys(
        self,
        client_id: str,
        client_secret: str,
        *,
        enable: When = "now",
        platform: str = BUSINESS_CENTRAL,
    ) -> None:
        """Type a pair of keys and save it; answer the question that follows the first time.

        With `enable="now"` the integration is enabled afterwards, asked or not; with "later" its
        toggle is left alone.
        """
        page = self._integration(platform)
        page = self._browser.press(
            page, "Save", {"Client ID": client_id, "Client secret": client_secret}
        )
        if not any("were saved" in text for text in page.messages):
            raise UnexpectedPage(f"{page}: no confirmation that the settings were saved")
        if page.has_button(f"Enable {enable}"):
            page = self._browser.press(page, f"Enable {enable}")
        if enable == "now" and not _is_on(page, platform):
            self._flip(page, platform)

    def toggle(self, on: bool, *, platform: str = BUSINESS_CENTRAL) -> None:
        """Enable or disable an integration in the list; nothing is pressed if it is so already."""
        page = self._open(ACCOUNTING)
        if _is_on(page, platform) != on:
            self._flip(page, platform)

    def is_enabled(self, *, platform: str = BUSINESS_CENTRAL) -> bool:
        """Whether the list shows an integration as enabled."""
        return _is_on(self._open(ACCOUNTING), platform)

    def _flip(self, page: _Page, platform: str) -> None:
        before = _is_on(page, platform)
        after = self._browser.press(page, f"Enable {platform}")
        if _is_on(after, platform) == before:
            raise UnexpectedPage(f"{after}: the toggle of {platform} has not moved")

    def _integration(self, platform: str) -> _Page:
        page = self._open(ACCOUNTING)
        for verb in ("Set up", "Manage"):
            address = page.links.get(f"{verb} {platform}")
            if address is not None:
                return self._browser.get(urljoin(page.address, address))
        raise UnexpectedPage(f"{page}: neither Set up nor Manage for {platform}")

    def _open(self, path: str) -> _Page:
        return self._browser.get(f"{self._portal}/{path}".rstrip("/"))


def _is_on(page: _Page, platform: str) -> bool:
    return page.button(f"Enable {platform}").checked


@dataclass(frozen=True)
class _Button:
    text: str
    name: str
    value: str
    disabled: bool
    checked: bool


@dataclass
class _Form:
    action: str
    values: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """The names of controls by their ids."""
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each drop-down the values by the texts that it shows."""
    buttons: list[_Button] = field(default_factory=list)


class _Page(HTMLParser):
    """A page as somebody reads it: forms, links by their words, messages, the heading."""

    def __init__(self, address: str, status: int, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.status = status
        self.heading = ""
        self.forms: list[_Form] = []
        self.links: dict[str, str] = {}
        self.messages: list[str] = []
        self._labels: dict[str, str] = {}
        self._open: list[tuple[str, list[str], Callable[[str], None]]] = []
        self._in_form = False
        self._drop_down = ""
        self.feed(text)
        self.close()

    def __str__(self) -> str:
        said = f" ({' '.join(self.messages)})" if self.messages else ""
        return f"the page {self.heading!r} of the portal, status {self.status}{said}"

    def has_button(self, text: str) -> bool:
        """Whether there is a button that can be pressed."""
        return any(b.text == text and not b.disabled for form in self.forms for b in form.buttons)

    def button(self, text: str) -> _Button:
        """The button with a text."""
        return self._button(text)[1]

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

    def _button(self, text: str) -> tuple[_Form, _Button]:
        for form in self.forms:
            for button in form.buttons:
                if button.text == text:
                    return form, button
        raise UnexpectedPage(f"{self}: there is no button {text!r}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        form = self.forms[-1] if self._in_form else None
        if tag == "form":
            self.forms.append(_Form(given.get("action", "")))
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

    def _control(self, form: _Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag in ("input", "select") and name:
            form.values[name] = given.get("value", "")
            form.names[given.get("id", "")] = name
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
                    _Button(
                        given.get("aria-label", text),
                        name,
                        given.get("value", ""),
                        "disabled" in given,
                        given.get("aria-checked") == "true",
                    )
                ),
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._in_form = False
        elif tag == "select":
            self._drop_down = ""
        elif self._open and self._open[-1][0] == tag:
            _, pieces, done = self._open.pop()
            done(" ".join("".join(pieces).split()))

    def handle_data(self, data: str) -> None:
        for _, pieces, _ in self._open:
            pieces.append(data)

    def _read(self, tag: str, done: Callable[[str], None]) -> None:
        """Hand on the text of an element once it ends."""
        self._open.append((tag, [], done))


class _Browser:
    """Gets pages and sends forms off, with cookies. No proxy: the portal is on this machine."""

    def __init__(self) -> None:
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))

    def get(self, address: str) -> _Page:
        """A page, whatever its status."""
        return self._sent(Request(address))

    def press(self, page: _Page, button: str, typed: dict[str, str] | None = None) -> _Page:
        """Fill a page's form in by its labels, press a button, and follow to the next page."""
        address, values = page.filled(button, typed or {})
        return self._sent(Request(address, urlencode(values).encode()))

    def _sent(self, request: Request) -> _Page:
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _Page(answer.url, answer.status, answer.read().decode())
        except HTTPError as refusal:
            with refusal:
                return _Page(refusal.url or "", refusal.code, refusal.read().decode())
