"""The people of a rehearsal: who works in the Codat Portal, and the customer who links.

Every step is what a browser does: get a page, find the form or the link by the words that a person
reads, fill it in, press the button, follow to the next page. A page that does not look as expected
ends it with `UnexpectedPage`. What is typed travels in request bodies only, never in an address.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urljoin

from bcrunbook.rehearsal.browser import Browser, Page, UnexpectedPage
from bcrunbook.rehearsal.description import RehearsalDescription

__all__ = [
    "CustomerPerson",
    "PortalPerson",
    "UnexpectedPage",
    "act_as_developer",
    "developer_of",
]

ACCOUNTING = "settings/integrations/accounting"
BUSINESS_CENTRAL = "Dynamics 365 Business Central"
DEVELOPER = "Developer"
ADMINISTRATOR = "Administrator"

LOGIN_HOST = "login.microsoftonline.com"
INSTALLATION = "installation"
"""Where a connection's installation page is, next to its link."""
CONTINUE, SIGN_IN, ACCEPT = "Continue", "Sign in", "Accept"
CONNECT, CLOSE = "Connect", "Close this window"
COMPANY = "Company"

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


class CustomerPerson:
    """Somebody at a customer's, with one browser.

    Args:
        description: the running rehearsal cloud.
        upn: the sign-in name; tenant and password are in the description.

    Raises:
        UnexpectedPage: nobody has that name, or, from any method, a page was not as expected.
    """

    def __init__(self, description: RehearsalDescription, upn: str) -> None:
        found = [
            (tenant["id"], user["password"])
            for tenant in description.tenants
            for user in tenant["users"]
            # Guests are in other organisations' directories as well; this is about the home.
            if user["upn"] == upn and upn.endswith(f"@{tenant['domain']}")
        ]
        if not found:
            raise UnexpectedPage(f"nobody has the name {upn!r}")
        self._tenant, self._password = map(str, found[0])
        self._upn = upn
        self._browser = Browser()
        self._pages = description.pages

    def link(self, link_url: str, *, environment: str, company: str | None = None) -> str:
        """Open a connection's link and go on until the installation's page, or a refusal.

        What Microsoft asks this person to consent to is accepted.

        Args:
            link_url: the connection's `linkUrl`.
            environment: the Business Central environment to choose.
            company: the company to choose in it; the first one offered where none is given.

        Returns:
            The heading of the page it ended on and what that page says, in one line.
        """
        return self.connect(self.choose(link_url), environment=environment, company=company)

    def choose(self, link_url: str) -> Page:
        """Open a connection's link and go on until the page of the choice, or a refusal.

        Args:
            link_url: the connection's `linkUrl`.
        """
        page = self._open(link_url)
        if page.has_button(CONTINUE):
            page = self._browser.press(page, CONTINUE)
        return self._through_microsoft(page)

    def connect(self, page: Page, *, environment: str, company: str | None = None) -> str:
        """Choose on the page that `choose` came to, which begins the installation.

        Args:
            page: that page.
            environment: as for `link`.
            company: as for `link`.

        Returns:
            The heading of the page it ended on and what that page says, in one line.
        """
        if page.has_button(CONNECT):
            choice = _choice(page, environment, company)
            page = self._browser.press(page, CONNECT, {COMPANY: choice})
        return _ended_on(page)

    def consent(self, client_id: str) -> str:
        """As an administrator, approve an application for the whole organisation.

        Args:
            client_id: the application.

        Returns:
            The heading of the page it ended on and what that page says, in one line.
        """
        address = f"{self._pages}/{LOGIN_HOST}/{self._tenant}/adminconsent?client_id={client_id}"
        return _ended_on(self._through_microsoft(self._browser.get(address)))

    def close(self, link_url: str) -> str:
        """Close the installation's window, as the page offers it.

        Args:
            link_url: the connection's `linkUrl`.

        Returns:
            The heading of the page it ended on and what that page says, in one line.
        """
        page = self._open(urljoin(link_url, INSTALLATION))
        return _ended_on(self._browser.press(page, CLOSE))

    def _through_microsoft(self, page: Page) -> Page:
        if page.has_button(SIGN_IN):
            typed = {"User name": self._upn, "Password": self._password}
            page = self._browser.press(page, SIGN_IN, typed)
            if page.has_button(SIGN_IN):
                raise UnexpectedPage(f"{page}: not signed in")
        return self._browser.press(page, ACCEPT) if page.has_button(ACCEPT) else page

    def _open(self, address: str) -> Page:
        """A page of a real address, where a browser on this machine finds it."""
        return self._browser.get(f"{self._pages}/{address.removeprefix('https://')}")


def _choice(page: Page, environment: str, company: str | None) -> str:
    offered = [one for one in page.options(COMPANY) if one.startswith(f"{environment} (")]
    for one in offered:
        if company is None or one.endswith(f"): {company}"):
            return one
    raise UnexpectedPage(f"{page}: no company {company or ''!r} in {environment!r} is offered")


def _ended_on(page: Page) -> str:
    return ": ".join(filter(None, (page.heading, " ".join(page.messages))))


def _is_on(page: Page, platform: str) -> bool:
    return page.button(f"Enable {platform}").checked
