"""Codat's refusals: what they mean, and who can help.

The HTTP status decides. The status inside the body may be another one (Codat's own examples carry
429 in a 402), and `canBeRetried` mostly says Unknown (contract C2.5 and C2.6).

Source: Codat documentation, "Errors", "Rate limits" and "Idempotency"; Platform API, ErrorMessage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bcrunbook.aadsts import Advice
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    NotFound,
    ReportBug,
    RunbookError,
    WaitAndRetry,
)
from bcrunbook.secrets import scrub
from bcrunbook.services.wire import ServiceReply

ACCOUNT_MANAGER: Final = "your account manager at Codat (or support@codat.io)"

ADVICE: Final[dict[int, Advice]] = {
    400: Advice(
        "a value in the request is not accepted", "compare the value the message names with yours"
    ),
    401: Advice(
        "the API key is wrong, was deleted, or is not there",
        "in the Codat Portal open Developers, API keys, copy a key of this instance, and put it"
        " where codat_api_key in accounts.toml says (the raw key, not the authorization header)",
        "you, or a colleague with the role Administrator or Developer in the Codat Portal",
    ),
    402: Advice(
        "the plan of this instance does not include it: a Free plan ends after 365 days and holds"
        " 50 companies, and has no Business Central",
        "ask for a plan with premium (ERP) accounting integrations",
        ACCOUNT_MANAGER,
    ),
    403: Advice(
        "the API key is outdated or belongs to another instance, the plan does not allow it, or the"
        " instance insists on mutual TLS",
        "make a new key for this instance in the Codat Portal under Developers, API keys; where"
        " mutual TLS is on, name certificate and client in accounts.toml, codat_mtls",
        "a colleague with the role Administrator or Developer in the Codat Portal",
    ),
    404: Advice("it was deleted, or belongs to another instance", "run again: it is looked for"),
    409: Advice("another request for the same thing is under way", "run again in a minute"),
    422: Advice("one idempotency key was used for two requests", "report this"),
    429: Advice(
        "too many calls: Codat allows 1,000 a day while no company is linked, and 1,000 a minute",
        "run again later",
    ),
    451: Advice("the platform is blocked for compliance reasons", "ask Codat", ACCOUNT_MANAGER),
}

# How Codat words it that a company has to be given a product is not published (contract C7.13):
# whatever speaks of one, under any of the statuses of a value that is not accepted, is taken so.
_ABOUT_PRODUCTS: Final = re.compile(r"\bproducts?\b", re.IGNORECASE)
_NOT_ACCEPTED: Final = (400, 403, 422)
_PRODUCTS: Final = Advice(
    "each company has a product, and this instance has no default products, or does not have the"
    " one that codat_products names",
    'name a product of this instance in accounts.toml, such as codat_products = ["lending"], or'
    " choose default products in the Codat Portal under Settings, Products; then run again",
    "you, or a colleague with the role Administrator in the Codat Portal",
)

_KINDS: Final[dict[int, type[RunbookError]]] = {
    400: FixInput,
    401: FixInput,
    402: AskAdministrator,
    403: AskAdministrator,
    404: NotFound,
    409: WaitAndRetry,
    429: WaitAndRetry,
    451: AskAdministrator,
}


@dataclass(frozen=True)
class DailyQuota:
    """How many calls of a day are left, as Codat's last answer said.

    Args:
        limit: calls a day.
        remaining: calls left.
        reset: when the day ends (UTC); None when that is not known.
    """

    limit: int
    remaining: int
    reset: datetime | None

    def __str__(self) -> str:
        when = f", new ones at {self.reset:%Y-%m-%d %H:%M} UTC" if self.reset else ""
        return f"{self.remaining} of {self.limit} left{when}"


@dataclass(frozen=True)
class CodatReply(ServiceReply):
    """One answer of Codat's API."""

    @property
    def request_id(self) -> str:
        """The correlation id that Codat's support asks for."""
        return str(self._fields.get("correlationId") or "")

    @property
    def support_id(self) -> str:
        """The correlation id."""
        return self.request_id

    @property
    def message(self) -> str:
        """Codat's own words, with what its validation says; scrubbed."""
        words = [str(self._fields.get("error") or "no message")]
        validation = self._fields.get("validation")
        errors = validation.get("errors") if isinstance(validation, dict) else None
        for one in errors if isinstance(errors, list) else ():
            if isinstance(one, dict) and one.get("message"):
                words.append(str(one["message"]))
        return scrub(" ".join(words), where="Codat error")

    @property
    def quota(self) -> DailyQuota | None:
        """What the rate limit headers say; None without them."""
        try:
            limit = int(self.headers["x-rate-limit-limit"])
            remaining = int(self.headers["x-rate-limit-remaining"])
        except (KeyError, ValueError):
            return None
        return DailyQuota(limit, remaining, _moment(self.headers.get("x-rate-limit-reset", "")))

    @property
    def _fields(self) -> dict[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    def refusal(self, where: str) -> RunbookError:
        """The error that this answer is.

        Args:
            where: the call, in words.
        """
        kind = _KINDS.get(self.status, WaitAndRetry if self.status >= 500 else ReportBug)
        advice = ADVICE.get(self.status)
        return self._error(kind, advice, where)

    def refusal_of_company(self, where: str) -> RunbookError:
        """The error that this answer is to a company that was to be made.

        Args:
            where: the call, in words.
        """
        if self.status in _NOT_ACCEPTED and _ABOUT_PRODUCTS.search(self.message):
            return self._error(FixInput, _PRODUCTS, where)
        return self.refusal(where)

    def _error(self, kind: type[RunbookError], advice: Advice | None, where: str) -> RunbookError:
        quota = self.quota if self.status == 429 else None
        return kind(
            f"Codat refused it ({self.status}): {self.message}",
            where=where,
            why=advice.meaning if advice else "Codat has a fault" if self.status >= 500 else "",
            next=self.later(
                (f"{advice.next} ({quota})" if quota else advice.next)
                if advice
                else "run again in a few minutes; if it stays, quote the request id to Codat"
            ),
            who=advice.who if advice else "you",
            code=str(self.status),
            request_id=self.request_id,
        )


def _moment(text: str) -> datetime | None:
    """A date in either form that a header may have; Codat's documentation shows none."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None
