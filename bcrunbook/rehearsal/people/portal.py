"""Somebody who works in the Codat Portal: saves the keys of an integration and enables it."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urljoin

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.people.browser import Browser, Page, UnexpectedPage

ACCOUNTING: Final = "settings/integrations/accounting"
BUSINESS_CENTRAL_NAME: Final = "Dynamics 365 Business Central"
"""The integration, by the name that the portal shows."""
DEVELOPER: Final = "Developer"
ADMINISTRATOR: Final = "Administrator"

When = Literal["now", "later"]


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
        self._browser = Browser()
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
        platform: str = BUSINESS_CENTRAL_NAME,
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

    def toggle(self, on: bool, *, platform: str = BUSINESS_CENTRAL_NAME) -> None:
        """Enable or disable an integration in the list; nothing is pressed if it is so already."""
        page = self._open(ACCOUNTING)
        if _is_on(page, platform) != on:
            self._flip(page, platform)

    def is_enabled(self, *, platform: str = BUSINESS_CENTRAL_NAME) -> bool:
        """Whether the list shows an integration as enabled."""
        return _is_on(self._open(ACCOUNTING), platform)

    def _flip(self, page: Page, platform: str) -> None:
        before = _is_on(page, platform)
        after = self._browser.press(page, f"Enable {platform}")
        if _is_on(after, platform) == before:
            raise UnexpectedPage(f"{after}: the toggle of {platform} has not moved")

    def _integration(self, platform: str) -> Page:
        page = self._open(ACCOUNTING)
        for verb in ("Set up", "Manage"):
            address = page.links.get(f"{verb} {platform}")
            if address is not None:
                return self._browser.get(urljoin(page.address, address))
        raise UnexpectedPage(f"{page}: neither Set up nor Manage for {platform}")

    def _open(self, path: str) -> Page:
        return self._browser.get(f"{self._portal}/{path}".rstrip("/"))


def _is_on(page: Page, platform: str) -> bool:
    return page.button(f"Enable {platform}").checked
