"""The rehearsal clock: how long the directory takes to agree with itself, and how fast time goes.

Only lags and throttle windows are divided by the speed; dates in payloads and token lifetimes are
wall time, because clients compare those with their own clocks. Lags carry a small jitter that
depends on the object alone, so that a run can be repeated exactly.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Lags:
    """Seconds (at speed 1) until an effect shows, by the kind of effect.

    The figures follow what clients of the real directory work around (terraform-provider-azuread
    and azure-cli retry loops, reports of 4 to 18 s before a new secret signs in): contract G13 and
    G25.
    """

    at_once: float = 0.0
    """Written and seen in the same instant."""
    application_created: float = 1.5
    """A new application in plain reads (404 before)."""
    application_referable: float = 3.0
    """A new application as the backing object of a service principal (400 before)."""
    application_signin: float = 3.0
    """A new application at the token and authorize endpoints (AADSTS700016 before)."""
    consumer_twin: float = 4.0
    """The consumer-side twin of a new application (409 Error_MsaAppDoesNotExist before)."""
    service_principal_created: float = 1.5
    """A new service principal in plain reads and as the party of a grant."""
    grant_created: float = 1.0
    """A new delegated grant or app role assignment in lists."""
    patched: float = 0.6
    """A changed property in plain reads."""
    credential: float = 1.0
    """An added or removed credential in plain reads."""
    deleted: float = 0.8
    """A deleted object still answering plain reads."""
    secret_usable: float = 6.0
    """A new client secret at the token endpoint (AADSTS7000215 before)."""
    index: float = 10.0
    """How far the index behind advanced queries trails every write."""

    def of(self, kind: str, key: str) -> float:
        """The lag of one kind of effect on one object, jitter of up to a fifth included."""
        base = float(getattr(self, kind))
        digest = hashlib.sha256(f"{kind}:{key}".encode()).digest()
        return base * (0.8 + 0.4 * digest[0] / 255)


@dataclass(frozen=True)
class Clock:
    """Wall time, and lags divided by the speed."""

    speed: float = 1.0
    lags: Lags = Lags()

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return time.time()

    def age(self, since: float) -> float:
        """Seconds of the rehearsal clock since a wall time: those that passed, times the speed."""
        return (self.now() - since) * self.speed

    def passed(self, since: float, kind: str, key: str, *, now: float | None = None) -> bool:
        """Whether an effect of that kind, made at `since`, has shown by now."""
        current = self.now() if now is None else now
        return current - since >= self.lags.of(kind, key) / self.speed

    def indexed(self, since: float, *, now: float | None = None) -> bool:
        """Whether the index behind advanced queries has caught up with a write at `since`."""
        current = self.now() if now is None else now
        return current - since >= self.lags.index / self.speed


def timestamp(seconds: float, *, fraction: bool = True) -> str:
    """A wall time as the services print it: ISO 8601, UTC, with a Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}0Z" if fraction else f"{text}Z"


def parse_timestamp(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 date with an offset; ValueError for anything else."""
    head, separator, tail = text.replace("z", "Z").replace("Z", "+00:00").partition(".")
    if separator:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        head += f".{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    moment = datetime.fromisoformat(head)
    if moment.tzinfo is None:
        raise ValueError(f"a date without an offset: {text}")
    return moment.timestamp()
