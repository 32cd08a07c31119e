"""How long the services take to agree with themselves, by the kind of effect.

Two profiles. In `usual` whatever somebody does next succeeds, as it did in every public recording
(contract G13.1), but for what is reported: the consumer side of an application that serves personal
accounts is missing for minutes (contract G13.3), a new secret signs in after seconds (contract
G7.12), and of all objects a small share lags like all of them do in `worst`. Which ones is no
matter of chance: a run can be repeated exactly.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import Final

SHARE: Final = 19
"""Of so many objects one is slow. Not an even number: an application and its service principal are
made by turns, and it is not to be always the same of the two."""


@dataclass(frozen=True, kw_only=True)
class Lags:
    """Seconds (at speed 1) until an effect shows, by the kind of effect."""

    at_once: float = 0.0
    """Written and seen in the same instant."""
    application_created: float = 0.0
    """A new application in plain reads (404 before)."""
    application_referable: float = 0.0
    """A new application as the backing object of a service principal (400 before)."""
    application_signin: float = 0.0
    """A new application at the token and authorize endpoints (AADSTS700016 before)."""
    consumer_twin: float
    """The consumer-side twin of a new application (409 Error_MsaAppDoesNotExist before)."""
    service_principal_created: float = 0.0
    """A new service principal in plain reads and as the party of a grant."""
    grant_created: float = 0.0
    """A new delegated grant or app role assignment in lists."""
    patched: float = 0.0
    """A changed property in plain reads."""
    credential: float = 0.0
    """An added or removed credential in plain reads."""
    deleted: float = 0.0
    """A deleted object still answering plain reads."""
    secret_usable: float
    """A new client secret at the token endpoint (AADSTS7000215 before)."""
    index: float = 10.0
    """How far the index behind advanced queries trails every write."""
    vault_deleted: float
    """A deleted secret of a vault among the deleted ones (409 for whatever wants its name)."""
    vault_recovered: float = 3.0
    """A recovered secret of a vault in reads."""
    vault_settled: float = 5.0
    """A recovered secret of a vault for writes."""
    vault_purged: float = 4.0
    """The name of a purged secret for a new one."""


_NEVER_SLOW: Final = ("grant_created",)
"""What has no id of its own, drawn for it: its parties' make it, and so chance would decide."""


@dataclass(frozen=True)
class Profile:
    """A way for the services to lag.

    Args:
        name: how a command line asks for it.
        lags: how most objects lag.
        slow: how the few slow ones do.
    """

    name: str
    lags: Lags
    slow: Lags

    def of(self, kind: str, key: str) -> float:
        """Seconds of one kind of effect on one object, jitter of up to a fifth included.

        Args:
            kind: a field of `Lags`.
            key: the object's id.
        """
        slow = is_slow(key) and kind not in _NEVER_SLOW
        base = float(getattr(self.slow if slow else self.lags, kind))
        return base * (0.8 + 0.4 * _digest(f"{kind}:{key}") / 255)


# The longest times are what recordings and reports have; the others follow the waits of careful
# clients (contract G13, G23.5, G25).
_LAGGING: Final = Lags(
    application_created=1.5,
    application_referable=3.0,
    application_signin=3.0,
    consumer_twin=4.0,
    service_principal_created=1.5,
    grant_created=1.0,
    patched=0.6,
    credential=1.0,
    deleted=0.8,
    secret_usable=6.0,
    vault_deleted=3.0,
)

USUAL: Final = Profile(
    "usual",
    Lags(consumer_twin=120.0, secret_usable=10.0, vault_deleted=0.5),
    replace(_LAGGING, consumer_twin=600.0, secret_usable=18.0, vault_deleted=130.0),
)
WORST: Final = Profile("worst", _LAGGING, replace(_LAGGING, vault_deleted=130.0))
PROFILES: Final = {profile.name: profile for profile in (USUAL, WORST)}


def is_slow(key: str) -> bool:
    """Whether an object, by its id, is one of the few slow ones."""
    return _digest(f"slow:{key}") % SHARE == 0


class Ids:
    """Ids of new objects: every nineteenth, from the start of the server, is that of a slow one."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self) -> str:
        """A new id."""
        self._drawn += 1
        while is_slow(drawn := str(uuid.uuid4())) is not (self._drawn % SHARE == 0):
            pass
        return drawn


def _digest(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0]
