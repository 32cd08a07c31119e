"""Known bugs, planted again to see that they are found: `python -m tests.simulation.planted`.

Each was mended long ago, or kept out. What it did is put back, and worlds are played until one
fails. With `--again` only the world is played that found it first.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final
from unittest import mock

from bcrunbook.services.graph.models import PasswordCredential
from bcrunbook.steps.client_secret.findings import SecretCredential
from bcrunbook.steps.client_secret.stored import credential_of
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.poll import Poll
from tests.simulation.playing import played
from tests.simulation.stage import clear

SEEDS: Final = 1000
_INSTALLATION: Final = "bcrunbook.steps.link_customer.installation"


async def _eager(context: Context, client_id: str, seen: PasswordCredential) -> SecretCredential:
    """Whatever bears a marker and is not in this store is an orphan, whoever has asked for it."""
    found = await credential_of(context, client_id, seen)
    return replace(found, is_orphan=bool(found.marker) and not found.is_stored)


def _since_first_hiccup(polls: Sequence[Poll]) -> float:
    """What an upgrade took counts against the error that follows it."""
    last = polls[-1]
    since = last.elapsed
    for poll in reversed(polls):
        if not poll.hiccups:
            break
        since = poll.elapsed
    return last.elapsed - since


@dataclass(frozen=True)
class Bug:
    """A bug that can be put back.

    Args:
        plant: puts it in, for the length of a `with` block.
        seed: the first seed whose world it breaks.
    """

    plant: Callable[[], AbstractContextManager[object]]
    seed: int


BUGS: Final = {
    "an orphan is removed too eagerly": Bug(
        lambda: mock.patch("bcrunbook.steps.client_secret.step.credential_of", _eager), 8
    ),
    "an upgrade's error ends a watch": Bug(
        lambda: mock.patch(f"{_INSTALLATION}.verdict._hidden_for", _since_first_hiccup), 178
    ),
    "a secret is removed before the next one is saved": Bug(
        lambda: mock.patch(
            "bcrunbook.steps.rotate_secret.RotationFindings.is_unused", return_value=True
        ),
        222,
    ),
    "what others have put on an application goes with it": Bug(
        lambda: mock.patch(
            "bcrunbook.steps.retire_account.findings.RetireAccountFindings.strange", ()
        ),
        193,
    ),
    "a watch that has ended speaks too short": Bug(
        lambda: mock.patch(f"{_INSTALLATION}.log.FRESH", 900.0), 15
    ),
}
"""By what it was."""


def finds(bug: Bug, seeds: Iterable[int]) -> tuple[int, str] | None:
    """The first seed whose world fails with a bug, and not without, and how; None without any.

    Args:
        bug: the bug.
        seeds: which worlds to play.
    """
    for seed in seeds:
        with bug.plant():
            one = played(seed)
        if one.broken and not played(seed).broken:
            return seed, one.broken[0]
    return None


def main() -> int:
    """Look for each."""
    missed = 0
    for name, bug in BUGS.items():
        again = "--again" in sys.argv[1:]
        found = finds(bug, [bug.seed] if again else range(1, SEEDS + 1))
        missed += found is None
        print(f"{name}: {f'seed {found[0]}: {found[1]}' if found else 'not found'}", flush=True)
    return int(bool(missed))


if __name__ == "__main__":
    atexit.register(clear)
    sys.exit(main())
