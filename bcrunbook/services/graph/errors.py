"""Microsoft Graph's refusals: what they mean, who can help, and which of them time heals.

Source: Microsoft Graph documentation ("Microsoft Graph error responses and resource types",
throttling, the pages of the calls) and, where marked, what clients of the service have observed.
The decision is made on status and code. Only where nothing else tells is the message looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from bcrunbook.aadsts import Advice
from bcrunbook.errors import (
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    SignInAgain,
    WaitAndRetry,
)
from bcrunbook.hosts import LOGIN_HOST
from bcrunbook.order import REGISTER_APPLICATION, ref
from bcrunbook.secrets import scrub
from bcrunbook.services.authorized import claims_demanded, names_in
from bcrunbook.services.wire import ServiceReply

_ROLE: Final = "a Cloud Application or Application Administrator of the tenant"
_POLICY_KEEPER: Final = "whoever keeps the tenant's application management policies"
_POLICIES: Final = "Microsoft Entra admin center, Enterprise apps, Application policies"

ADVICE: Final[dict[str, Advice]] = {
    "Authorization_RequestDenied": Advice(
        "the signed-in identity lacks the role or the permission for this call, or the tenant lets"
        " only administrators register applications",
        "ask for the Application Developer role (to register) or Cloud Application Administrator"
        " (to consent as well), or hand this step to somebody who has it",
        _ROLE,
    ),
    "Directory_QuotaExceeded": Advice(
        "a person without an administrator role may own 250 directory objects, and has them",
        "delete applications you no longer need (deleted ones may count until they are removed"
        " for good), or have an administrator run this step",
        "you, or an administrator of the tenant",
    ),
    "InvalidAuthenticationToken": Advice(
        "the access token has expired or is meant for another service",
        "sign in again; an application need only run again",
    ),
    "InvalidAccessTokenVersion": Advice(
        "applications for work and personal accounts need access token version 2",
        f"report this: {ref(REGISTER_APPLICATION)} sets the two together",
    ),
    "CredentialInvalidLifetimeAsPerAppPolicy": Advice(
        "the tenant's application management policy allows only shorter lived secrets",
        "shorten secret_lifetime in accounts.toml to what the policy allows",
        "you, or whoever keeps the policy for an exception",
    ),
    "CredentialTypeNotAllowedAsPerAppPolicy": Advice(
        "the tenant's application management policy forbids client secrets, and nothing exempts"
        " this application or whoever asked",
        f"have the application exempted, as Codat needs a client secret: {_POLICIES}, the rule that"
        " blocks passwords, Excluded apps",
        _POLICY_KEEPER,
    ),
    "SignInAudienceNotAllowedAsPerAppPolicy": Advice(
        "the tenant's application management policy forbids applications that other tenants or"
        " personal accounts can use, and Codat needs one",
        f"have this application exempted: {_POLICIES}, the rule on audiences",
        _POLICY_KEEPER,
    ),
    "Error_MsaAppDoesNotExist": Advice(
        "the part of a new application that serves personal accounts is not there yet",
        "wait some minutes, which may be ten, and run again",
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

_POLICY_REFUSAL: Final = "AsPerAppPolicy"
"""How the codes of all refusals of an application management policy end (contract G8.10)."""
_POLICY_ADVICE: Final = Advice(
    "the tenant's application management policy forbids what the message names",
    f"have this application exempted: {_POLICIES}, the rule that the message is about",
    _POLICY_KEEPER,
)
# What a setting of the account can mend: shorter is allowed.
_LIFETIME_REFUSAL: Final = "CredentialInvalidLifetimeAsPerAppPolicy"

_RENEWED: Final = (
    "run again: the token was renewed; if it stays, check this machine's clock, and quote the"
    " request id"
)
_ELSEWHERE: Final = (
    "the tenant's Conditional Access sees this machine come from another address than Entra did"
    " when it gave the token: a split VPN or a proxy sends the two by different ways"
)
_ONE_WAY_OUT: Final = (
    f"send the sign-in ({LOGIN_HOST}) and this service by the same way out (VPN,"
    " [network] proxy in accounts.toml), or have the policy name both addresses"
)

# Refusals of whoever asked, not of what was asked: with more rights the same would go.
_RIGHTS: Final = ("Authorization_", "AccessDenied", "Forbidden")

# Refusals that only mean "not yet" on something that was just made (contract G9.6,
# G12.6, G12.7 and G12.8).
_NOT_YET_CODES: Final = frozenset({"Error_MsaAppDoesNotExist", "Directory_ConcurrencyViolation"})
_NOT_YET_TEXTS: Final = (
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
        listed = details if isinstance(details, list) else []
        targets = [str(d["target"]) for d in listed if isinstance(d, dict) and d.get("target")]
        words = str(self._error.get("message") or "no message")
        text = words + (f" ({', '.join(targets)})" if targets else "")
        return scrub(text, where="Graph error")

    @property
    def request_id(self) -> str:
        """The id that Microsoft's support asks for."""
        inner = self._error.get("innerError") or self._error.get("innererror")
        levels = [inner if isinstance(inner, dict) else {}, self._error]
        ids = [level.get(name) for level in levels for name in ("request-id", "requestId")]
        return str(self.headers.get("request-id") or next(filter(None, ids), ""))

    @property
    def claims_demanded(self) -> str:
        """What the service demands of a new token (JSON); empty when that is not the matter."""
        return claims_demanded(self.status, self.headers)

    @property
    def support_id(self) -> str:
        """The request id."""
        return self.request_id

    @property
    def means_not_yet(self) -> bool:
        """Whether time alone heals this refusal of a write to something new."""
        if self.status in (404, 412, 423) or {self.code, self.outer_code} & _NOT_YET_CODES:
            return True
        return self.status in (400, 403) and any(text in self.message for text in _NOT_YET_TEXTS)

    def refusal(
        self, where: str, service: str = "Microsoft Graph", *, by_person: bool = True
    ) -> RunbookError:
        """The error that this answer is.

        Args:
            where: the call, in words.
            service: whose answer it is.
            by_person: whether a person has signed in, who could do so again.
        """
        if self.claims_demanded or "insufficient_claims" in (self.code, self.outer_code):
            return self._challenged(where, service, by_person=by_person)
        code = self.outer_code if self.outer_code in ADVICE else (self.code or self.outer_code)
        is_of_policy = code.endswith(_POLICY_REFUSAL)
        advice = ADVICE.get(code) or (_POLICY_ADVICE if is_of_policy else None)
        kinds: dict[int, Callable[..., RunbookError]] = {
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
        if is_of_policy and code != _LIFETIME_REFUSAL:
            kind = AskAdministrator
        if kind is AskAdministrator:
            kind = partial(AskAdministrator, by_hand=code.startswith(_RIGHTS))
        return kind(
            f"{service} refused it ({self.status}): {self.message}",
            where=where,
            why=advice.meaning if advice else "",
            next=_RENEWED
            if self.status == 401 and not by_person
            else self.later(
                advice.next if advice else "run again; if it stays, quote the request id"
            ),
            who=advice.who if advice else "you",
            code=code or str(self.status),
            request_id=self.request_id,
        )

    def _challenged(self, where: str, service: str, *, by_person: bool) -> RunbookError:
        """The error when a token with the claims that were demanded did not do either."""
        names = names_in(self.claims_demanded) if self.claims_demanded else ""
        advice = ADVICE["insufficient_claims"]
        # The words of a challenge only choose the words of an advice.
        is_elsewhere = "LocationCondition" in self.message
        kind = SignInAgain if by_person else AskAdministrator
        return kind(
            f"{service} refused it ({self.status}): {self.message}",
            where=where,
            why=_ELSEWHERE
            if is_elsewhere
            else advice.meaning + (f" (it asks for {names})" if names else ""),
            next=(f"{_ONE_WAY_OUT}; then sign in again" if by_person else _ONE_WAY_OUT)
            if is_elsewhere
            else advice.next
            if by_person
            else "have the policy let this application in from where it runs",
            who="you, or whoever keeps the network or the tenant's Conditional Access"
            if is_elsewhere or not by_person
            else advice.who,
            code="insufficient_claims",
            request_id=self.request_id,
        )
