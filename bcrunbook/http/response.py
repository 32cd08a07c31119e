"""Whether an answer is the service's own, or that of something in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For types alone: who only knows what answers look like need not wait for what fetches them.
    from httpx import URL
    from httpx import Response as Response


def address_of(url: str) -> URL:
    """An address as the HTTP stack reads it, so that what is checked is where it is sent."""
    import httpx

    return httpx.URL(url)


def is_elsewhere(status: int) -> bool:
    """Whether a status says that something other than the service answered.

    None of the services sends its caller elsewhere, and 511 ("Network Authentication Required") is
    for those in between.
    """
    return 300 <= status < 400 or status == 511


def is_strange(response: Response) -> bool:
    """Whether an answer is none of a service that always speaks JSON."""
    if is_elsewhere(response.status_code) or not response.is_success:
        return is_elsewhere(response.status_code)
    try:
        response.json()
    except (ValueError, RecursionError):
        return True
    return False
