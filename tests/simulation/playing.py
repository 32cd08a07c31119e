"""A seed's world, played to its rest and judged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tests.simulation.drawing import Drawn, drawn
from tests.simulation.invariants import broken
from tests.simulation.stage import Unrest, play
from tests.simulation.world import NoRest, World

_TOLD_REQUESTS: Final = 25


@dataclass(frozen=True)
class Played:
    """What came of a world.

    Args:
        drawn: what it was like.
        broken: what does not hold in it.
        said: what happened, in words.
        requests: what the cloud was asked.
    """

    drawn: Drawn
    broken: list[str]
    said: list[str]
    requests: list[dict[str, Any]]

    def __str__(self) -> str:
        """All that is worth knowing of it."""
        return "\n".join(
            [
                str(self.drawn),
                "what happened:",
                *(f"  {line}" for line in self.said),
                "the last requests:",
                *(f"  {_told(line)}" for line in self.requests[-_TOLD_REQUESTS:]),
                "what does not hold:" if self.broken else "everything holds",
                *(f"  {line}" for line in self.broken),
            ]
        )


def _told(request: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(request["t"], UTC)
    where = f"{request['host']}{request['path']}"
    return f"{at:%Y-%m-%d %H:%M:%S} {request['status'] or '---'} {request['method']} {where}"


def played(seed: int, look: Callable[[World], None] | None = None) -> Played:
    """Play the world of a seed, and judge it.

    Args:
        seed: any number.
        look: called with the world when it has come to rest.
    """
    return judged(drawn(seed), look)


def judged(world: Drawn, look: Callable[[World], None] | None = None) -> Played:
    """Play a world, and judge it.

    Args:
        world: what it is like.
        look: see `played`.
    """
    found: list[str] = []

    def judge(one: World) -> None:
        found.extend(broken(one))
        if look is not None:
            look(one)

    try:
        rest = play(world, judge)
    except Unrest as unrest:
        rest, why = unrest.world, unrest.__cause__
        assert why is not None
        is_known = isinstance(why, NoRest)
        found.append(f"rest: {why}" if is_known else "".join(traceback.format_exception(why)))
    return Played(world, found, rest.said, rest.cloud.requests.lines)
