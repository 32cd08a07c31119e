"""Microsoft Graph's refusals: what they mean, who can help, and which of them time heals.

Source: Microsoft Graph documentation ("Microsoft Graph error responses and resource types",
throttling, the pages of the calls) and, where marked, what clients of the service have observed.
The decision is made on status and code. Only where nothing else tells is the message looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bcrunbook.aadsts import Advice
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    SignInAgain,
    WaitAndRetry,
)
from bcrunbook.secrets import scrub
from bcrunbook.services.wire import ServiceReply

_ROLE = "a Cloud Application or Application Administrator of the tenant"

ADVICE: dict[str, Advice] = {
    "Authorization_RequestDenied": Advice(
        "the signed-in identity lacks the role or the permission for this call, or the tenant lets"
        " only administrators register applications",
        "ask for the Application Developer role (to register) or Cloud Application Administrator"
        " (to consent as well), or hand this step to somebody who has it",
        _ROLE,
    ),
    "Directory_QuotaExceeded": Advice(
        "a person without an administrator role may own 250 directory objects, and has them",
        "delete applications you no longer need, or have an administrator run this step",
    ),
    "InvalidAuthenticationToken": Advice(
        "the access token has expired or is meant for another service", "sign in again"
    ),
    "InvalidAccessTokenVersion": Advice(
        "applications for work and personal accounts need access token version 2",
        "report this: step 1 sets the two together",
    ),
    "CredentialInvalidLifetimeAsPerAppPolicy": Advice(
        "the tenant's application management policy allows only shorter lived secrets",
        "shorten secret_lifetime in accounts.toml to what the policy allows",
        "you, or whoever keeps the policy for an exception",
    ),
    "CredentialTypeNotAllowedAsPerAppPolicy": Advice(
        "the tenant's application management policy forbids client secrets",
        "ask for an exception for this application: Codat needs a client secret",
        "whoever keeps the tenant's application management policy",
    ),
    "Error_MsaAppDoesNotExist": Advice(
        "the part of a new application that serves personal accounts is not there yet",
        "wait a minute and run again",
    ),
    "Directory_ConcurrencyViolation": Advice(
        "two writes met on the same object", "wait a moment and run again"
    ),
    "Request_MultipleObjectsWithSameKeyValue": Advice(
        "the thing exists already", "run again: it is found and updated instead"
    ),
    "Request_ResourceNotFound": Advice(
        "the object does not exist, or is so new that it has not spread yet",
        "wait a minute and run again",
    ),
    "Request_BadRequest": Advice(
        "a value in the request is not accepted",
        "compare the value the message names with accounts.toml",
    ),
    "Request_UnsupportedQuery": Advice(
        "the query needs the advanced query capabilities", "report this"
    ),
    "TooManyRequests": Advice(
        "too many calls in a short time (60 writes a minute on applications of this audience)",
        "wait a few minutes and run again",
    ),
    "insufficient_claims": Advice(
        "Conditional Access asks for more than this sign-in brought",
        "sign in again with method browser, from a managed device",
    ),
}

# Refusals that only mean "not yet" on something that was just made.
_NOT_YET_CODES = frozenset({"Error_MsaAppDoesNotExist", "Directory_ConcurrencyViolation"})
_NOT_YET_TEXTS = (
    "does not reference a valid application object",
    "queried reference-property objects are not present",
    "must in the local tenant",
)


@dataclass(frozen=True)
class Reply(ServiceReply):
    """One answer of Microsoft Graph, alone or as a part of a batch."""

    @property
    def _error(self) -> dict[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}

    @property
    def code(self) -> str:
        """The most specific error code: the innermost one that is not empty."""
        code, level = "", self._error
        while level:
            code = str(level.get("code") or "") or code
            inner = level.get("innerError") or level.get("innererror")
            level = inner if isinstance(inner, dict) else {}
        return code

    @property
    def outer_code(self) -> str:
        """The error code that the envelope itself carries."""
        return str(self._error.get("code") or "")

    @property
    def message(self) -> str:
        """The service's own words, with the targets that details name; scrubbed."""
        details = self._error.get("details")
        told = (
            [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
        )
        targets = [str(one["target"]) for one in told if one.get("target")]
        words = str(self._error.get("message") or "no message")
        text = words + (f" ({', '.join(targets)})" if targets else "")
        return scrub(text, where="Graph error")

    @property
    def request_id(self) -> str:
        """The id that Microsoft's support asks for."""
        inner = self._error.get("innerError") or self._error.get("innererror")
        places = [inner if isinstance(inner, dict) else {}, self._error]
        told = [place.get(name) for place in places for name in ("request-id", "requestId")]
        return str(self.headers.get("request-id") or next(filter(None, told), ""))

    @property
    def support_id(self) -> str:
        return self.request_id

    @property
    def means_not_yet(self) -> bool:
        """Whether time alone heals this refusal of a write to something new."""
        if self.status in (404, 412, 423) or {self.code, self.outer_code} & _NOT_YET_CODES:
            return True
        return self.status in (400, 403) and any(text in self.message for text in _NOT_YET_TEXTS)

    def refusal(self, where: str, service: str = "Microsoft Graph") -> RunbookError:
        """The error that this answer is.

        Args:
            where: the call, in words.
            service: whose answer it is.
        """
        code = self.outer_code if self.outer_code in ADVICE else (self.code or self.outer_code)
        advice = ADVICE.get(code)
        kinds: dict[int, type[RunbookError]] = {
            400: FixInput,
            401: SignInAgain,
            403: AskAdministrator,
            404: WaitAndRetry,
            409: WaitAndRetry,
            412: WaitAndRetry,
            423: WaitAndRetry,
            429: WaitAndRetry,
        }
        kind = kinds.get(self.status, WaitAndRetry if self.status >= 500 else ReportBug)
        if code == "insufficient_claims":
            kind = SignInAgain
        return kind(
            f"{service} refused it ({self.status}): {self.message}",
            where=where,
            why=advice.meaning if advice else "",
            next=self.later(
                advice.next if advice else "run again; if it stays, quote the request id"
            ),
            who=advice.who if advice else "you",
            code=code or str(self.status),
            request_id=self.request_id,
        )
