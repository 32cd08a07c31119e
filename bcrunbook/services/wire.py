"""What the services' answers have in common: read tolerantly, and facts that may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from bcrunbook.http import Response

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
        body: the parsed JSON body; None without one or when it is not JSON (gateways).
    """

    status: int
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, response: Response) -> Self:
        """An HTTP answer as a reply."""
        try:
            body = response.json() if response.content else None
        except (ValueError, RecursionError):
            # Brackets nested without end are no more an answer than a gateway's page is.
            body = None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return cls(response.status_code, headers, body)

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return 200 <= self.status < 300
