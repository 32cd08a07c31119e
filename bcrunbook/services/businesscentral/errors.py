"""Business Central's errors: two envelopes, and what each code means for whoever waits.

Codes come before statuses, because the documentation gives codes without statuses; texts are
localised and never decide, but for those of contract B11.6. Letter case is folded: the admin
centre's codes differ in it between documentation and wire.

Source: contract B11 and B13.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from bcrunbook.services.wire import ServiceReply

_CORRELATION: Final = re.compile(r"\s*CorrelationId:\s*([0-9a-fA-F-]{36})\.?\s*$")

_RETRY_CODES: Final = frozenset(
    {
        "internal_tenantunavailable",
        "internal_metadatasyncerror",
        "internal_servererror",
        "application_serviceunavailable",
    }
)
_REFUSED_CODES: Final = frozenset(
    {"authentication_invalidcredentials", "environmentappoperationfailed", "unauthorized"}
)
_FATAL_CODES: Final = frozenset(
    {
        "noenvironment",
        "environmentnotfound",
        "applicationtypedoesnotexist",
        "resourcedoesnotexist",
        "entityvalidationfailed",
        "internal_companynotfound",
    }
)
_ROUTE_CODES: Final = frozenset({"badrequest_notfound", "badrequest_resourcenotfound"})
_RETRY_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504})
_CHANGED: Final = "an administrator changed one or more extensions"
_HALF_UPDATED: Final = ("could not find a property named", "no overload")
_PERMISSION: Final = ("permission",)


class Kind(StrEnum):
    """What an error means for whoever waits."""

    RETRY = "retry"
    """It passes by itself."""
    ROUTE = "route"
    """A route is not there: it passes by itself during an installation, and only then."""
    REFUSED = "refused"
    """Whoever asks may not see it: the fact is unknown."""
    FATAL = "fatal"
    """What was asked for is wrong: asking again brings the same answer."""


class BusinessCentralReply(ServiceReply):
    """An answer of one of Business Central's three APIs."""

    @property
    def _error(self) -> dict[str, object]:
        body = self.body if isinstance(self.body, dict) else {}
        inner = body.get("error")
        return inner if isinstance(inner, dict) else body

    @property
    def code(self) -> str:
        """The error's code; empty without one (a gateway's answer)."""
        return str(self._error.get("code") or "")

    @property
    def message(self) -> str:
        """The error's text, without the correlation id at its end."""
        return _CORRELATION.sub("", str(self._error.get("message") or ""))

    @property
    def correlation_id(self) -> str:
        """What Microsoft's support asks for; empty without one."""
        found = _CORRELATION.search(str(self._error.get("message") or ""))
        return found[1] if found else self.headers.get("ms-correlation-x", "")

    @property
    def support_id(self) -> str:
        """The correlation id."""
        return self.correlation_id

    @property
    def kind(self) -> Kind:
        """What the error means for whoever waits."""
        code, text = self.code.lower(), self.message.lower()
        if code in _RETRY_CODES or _CHANGED in text or any(one in text for one in _HALF_UPDATED):
            return Kind.RETRY
        if code in _ROUTE_CODES:
            return Kind.ROUTE
        if code in _FATAL_CODES:
            return Kind.FATAL
        if code in _REFUSED_CODES or code.startswith("authorization_"):
            return Kind.REFUSED
        if code == "application_dialogexception" and any(one in text for one in _PERMISSION):
            return Kind.REFUSED
        if "current permissions prevented the action" in text:
            return Kind.REFUSED
        if self.status in (401, 403):
            return Kind.REFUSED
        if self.status in _RETRY_STATUS:
            return Kind.RETRY
        return Kind.FATAL
