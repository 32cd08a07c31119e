"""What customers leave behind: `python -m tests.simulation.upkeep 20 40`, for two numbers of them.

All customers of an account link, and are followed until App Link is there; then everything is
checked once a week for a year. Prints, for each customer more, requests by service, rows of the
ledger by table, and bytes of its file, for linking once and for one check; and the seconds of the
processor that one check takes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.simulation import program
from tests.simulation.drawing import Drawn
from tests.simulation.growth import crowd, let_ask
from tests.simulation.stage import clear, scene_of, staged
from tests.simulation.world import World

WEEKS = 52
_WEEK = 7 * 86400.0
_TABLES = ("run", "fact", "outcome")


@dataclass(frozen=True)
class Left:
    """What there is at an instant: requests by service, rows by table, bytes of the ledger."""

    figures: Counter[str]

    def since(self, before: Left) -> Counter[str]:
        """What has come since."""
        return Counter({one: self.figures[one] - before.figures[one] for one in self.figures})


def _left_in(world: World) -> Left:
    figures = Counter(one["host"] for one in world.cloud.requests.lines)
    file = Path(world.workspace.root) / "ledger.db"
    with sqlite3.connect(file) as database:
        for table in _TABLES:
            figures[f"rows of {table}"] = database.execute(
                f"SELECT count(*) FROM {table}"
            ).fetchone()[0]
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, free, size = (
            database.execute(f"PRAGMA {one}").fetchone()[0]
            for one in ("page_count", "freelist_count", "page_size")
        )
    database.close()
    figures["bytes"] = (pages - free) * size
    return Left(figures)


async def _link(world: World) -> None:
    await world.command()
    await world.people.act()
    await world.command()
    await asyncio.sleep(3600)


async def _check(world: World) -> None:
    await asyncio.sleep(_WEEK)
    await world.machine.start("check").run(program.check(world.workspace))


def measured(size: int) -> tuple[Counter[str], Counter[str], float]:
    """What so many customers leave by linking, and by a year of checks; seconds of a check."""
    with crowd(size, ("normal",)) as customers:
        scene_of("enabled")
        drawn = Drawn(0, "enabled", is_batch=True)
        with staged(drawn, customers) as (loop, world):
            let_ask(world, size)
            before = _left_in(world)
            loop.run_until_complete(_link(world))
            linked = _left_in(world)
            began = time.process_time()
            for _ in range(WEEKS):
                loop.run_until_complete(_check(world))
            taken = (time.process_time() - began) / WEEKS
            checked = _left_in(world)
    clear()
    return linked.since(before), checked.since(linked), taken


def main() -> None:
    """Measure and print."""
    few, many = [*(int(one) for one in sys.argv[1:]), 20, 40][:2]
    found = []
    for size in (few, many):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found.append(pool.apply(measured, (size,)))
    (linked, checked, seconds), (more_linked, more_checked, more_seconds) = found
    more = many - few
    print(f"{'for each customer':36} {'linking':>9} {'a check':>9}   {'a check of none':>16}")
    for one in sorted(more_linked | more_checked):
        each = (more_checked[one] - checked[one]) / more
        alone = (checked[one] - each * few) / WEEKS
        print(
            f"{one:36} {(more_linked[one] - linked[one]) / more:9.1f} {each / WEEKS:9.2f}"
            f"   {alone:16.1f}"
        )
    print(f"{'seconds of the processor':36} {'':9} {(more_seconds - seconds) / more:9.4f}")


if __name__ == "__main__":
    main()
