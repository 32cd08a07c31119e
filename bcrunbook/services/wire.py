"""What the services' answers have in common: read tolerantly, and facts that may be unknown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from bcrunbook import throttled
from bcrunbook.errors import ReportBug, RunbookError, not_the_service
from bcrunbook.http.repeat import Repeat
from bcrunbook.http.response import is_elsewhere
from bcrunbook.secrets import Secret

if TYPE_CHECKING:
    from bcrunbook.http.response import Response

T = TypeVar("T")


class WireObject(BaseModel):
    """Base: camel-case names on the wire, unknown fields ignored, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        # An answer may hold a secret, and a message about it must not.
        hide_input_in_errors=True,
    )


@dataclass(frozen=True)
class Seen(Generic[T]):
    """What a read showed: a value, nothing there, or unknown (it may not be looked at).

    Args:
        value: what is there; None when absent or unknown.
        unknown: why it cannot be known; empty when it is known.
    """

    value: T | None
    unknown: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether it is known that there is nothing."""
        return self.value is None and not self.unknown


@dataclass(frozen=True)
class ServiceReply:
    """One answer of a service, whatever its body is.

    Args:
        status: the HTTP status.
        headers: response headers, names in lower case.
        body: the parsed JSON body, in which a client secret is a `Secret`; None without one or
            when it is not JSON (gateways).
        is_garbled: whether there is a body that is not JSON.
        is_empty: whether there is no body.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    is_garbled: bool = False
    is_empty: bool = False

    @classmethod
    def of(cls, response: Response) -> Self:
        """An HTTP answer as a reply."""
        body, is_garbled = None, False
        try:
            if response.content:
                body = json.loads(response.text, object_hook=_veiled)
        except (ValueError, RecursionError):
            # Brackets nested without end are no more an answer than a gateway's page is.
            is_garbled = True
        headers = {name.lower(): value for name, value in response.headers.items()}
        return cls(response.status_code, headers, body, is_garbled, not response.content)

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return 200 <= self.status < 300

    @property
    def is_overload(self) -> bool:
        """Whether the service does not serve anything now."""
        return self.status == 429 or self.status >= 500

    @property
    def retry_after(self) -> float:
        """For how many seconds the service asks to be left alone; 0 when it does not."""
        return throttled.asked_wait(self.headers.get("retry-after", ""))

    @property
    def support_id(self) -> str:
        """What the service's support asks for; empty without one."""
        return ""

    @property
    def says_nothing(self) -> bool:
        """Whether it succeeds and has nothing to show for it."""
        return self.ok and (self.is_empty or self.is_garbled)

    def check(self, service: str, where: str, repeat: Repeat) -> Self:
        """The reply, if it is the service's own: no redirect, no page where there should be JSON.

        Args:
            service: whose answer was due, in words.
            where: the call, in words.
            repeat: what might have been repeated.

        Raises:
            AnswerLost: it is not, and the call was a write that is not done twice.
            Unreachable: it is not.
        """
        if is_elsewhere(self.status) or (self.ok and self.is_garbled):
            raise self.foreign(service, where, may_be_done=not repeat.is_harmless)
        return self

    def foreign(self, service: str, where: str, *, may_be_done: bool = False) -> RunbookError:
        """The error that an answer is that the service did not give."""
        return not_the_service(service, where, may_be_done=may_be_done, request_id=self.support_id)

    def unexpected(self, service: str, where: str) -> RunbookError:
        """The error that a success is whose body is not what was asked for."""
        if self.says_nothing:
            return self.foreign(service, where)
        return ReportBug(
            f"{service}'s answer has an unexpected form.",
            where=where,
            next="run again; if it stays, report this"
            + (" with the request id" if self.support_id else ""),
            request_id=self.support_id,
        )

    def later(self, next: str) -> str:
        """The next action after a refusal: after the time that the service asks for, if any."""
        retry_after = self.retry_after
        if not retry_after or not self.is_overload:
            return next
        return f"{next}; the service asks to be left alone for {throttled.in_words(retry_after)}"


def _veiled(fields: dict[str, Any]) -> dict[str, Any]:
    """Microsoft Graph gives a client secret's value once: it is never plain from here on."""
    value = fields.get("secretText")
    if isinstance(value, str) and value:
        fields["secretText"] = Secret(value)
    return fields
