"""From one page of a list to the next, by the link that the service gives.

A link is followed with the caller's token or key, so it leads to the service itself or nowhere; and
a list has an end. Every client goes from page to page through here.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from bcrunbook.errors import ReportBug

MAX_PAGES: Final = 1000
"""How many pages a list may have: at 100 entries each, ten times what any of them holds."""


class Pages:
    """The pages of one list, as they are read.

    Args:
        first: the address of the first page, without its query.
        service: whose list it is, in words.
        where: the call, in words.
    """

    def __init__(self, first: str, *, service: str, where: str) -> None:
        self._current = first
        self._host = urlsplit(first).hostname or ""
        self._service = service
        self._where = where
        self._seen = {first}

    def follow(self, link: object, request_id: str = "") -> str:
        """The address of the next page.

        Args:
            link: what the last page gives as such; it may be relative.
            request_id: the last page's.

        Raises:
            ReportBug: it leads to another host or port, in plain text, back, or on without end.
        """
        try:
            # Blanks around it do no harm; any other character that does not print is no address's.
            text = link.strip() if isinstance(link, str) else ""
            parts = urlsplit(urljoin(self._current, text))
            is_one = bool(text) and text.isascii() and text.isprintable()
            other = (parts.scheme, parts.hostname, parts.port or 443, parts.username)
        except ValueError:
            is_one = False
        if not is_one:
            raise self._refusal("has a link to the next page that is none", request_id)
        if other != ("https", self._host, 443, None):
            raise self._refusal(
                f"has a next page at {parts.scheme}://{parts.netloc[-100:]}, and the sign-in is for"
                f" https://{self._host} only",
                request_id,
            )
        # The host once more as it is spelt in the first address, and no port.
        address = urlunsplit(("https", self._host, parts.path, parts.query, ""))
        if address in self._seen:
            raise self._refusal("leads back to a page that was read already", request_id)
        if len(self._seen) >= MAX_PAGES:
            raise self._refusal(f"has more than {MAX_PAGES} pages", request_id)
        self._seen.add(address)
        self._current = address
        return address

    def _refusal(self, what: str, request_id: str) -> ReportBug:
        return ReportBug(
            f"{self._service}'s list {what}.",
            where=self._where,
            why="the service has a fault, or something other than the service answered",
            next="run again; if it stays, report this"
            + (" with the request id" if request_id else ""),
            request_id=request_id,
        )
