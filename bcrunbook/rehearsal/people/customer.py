"""Somebody at a customer's, who opens a link, signs in to Microsoft and chooses a company."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.people.browser import Browser, Page, UnexpectedPage

LOGIN_HOST: Final = "login.microsoftonline.com"
INSTALLATION: Final = "installation"
"""Where a connection's installation page is, next to its link."""
CONTINUE: Final = "Continue"
SIGN_IN: Final = "Sign in"
ACCEPT: Final = "Accept"
CONNECT: Final = "Connect"
CLOSE: Final = "Close this window"
COMPANY: Final = "Company"


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
