"""Worlds, one after the other: `python -m tests.simulation --seed N`, or `--worlds N`.

With --seed one world is played and told. With --worlds so many are played, from --first on, by
--jobs processes; it ends with 1 if something did not hold in one of them.
"""

from __future__ import annotations

import argparse
import atexit
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.simulation.playing import Played, played
from tests.simulation.stage import clear, clear_at_end
from tests.simulation.trace import trace_of


def play_many(first: int, count: int, jobs: int) -> Iterator[Played]:
    """The worlds of a row of seeds, as they come to rest."""
    seeds = range(first, first + count)
    if jobs == 1:
        yield from map(played, seeds)
        return
    pool = multiprocessing.get_context("spawn").Pool(jobs, clear_at_end)
    try:
        yield from pool.imap_unordered(played, seeds, chunksize=20)
    finally:
        # Each process ends by itself, and clears away what it has laid out.
        pool.close()
        pool.join()


def main() -> int:
    """Play and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="with --seed: all that it leaves")
    given = parser.parse_args()
    if given.seed is not None:
        left: list[str] = []
        one = played(
            given.seed, (lambda world: left.append(trace_of(world))) if given.trace else None
        )
        print(*left or [str(one)], sep="\n")
        return int(bool(one.broken))
    began, failed, names = time.perf_counter(), 0, Counter[str]()
    for one in play_many(given.first, given.worlds, given.jobs):
        if one.broken:
            failed += 1
            names.update(line.partition(":")[0] for line in one.broken[:1])
            print(f"seed {one.drawn.seed}: {one.broken[0][:300]}", flush=True)
    took = time.perf_counter() - began
    print(f"{given.worlds} worlds in {took:.1f} s, {60 * given.worlds / took:.0f} a minute")
    print(f"{failed} in which something does not hold: {dict(names)}")
    return int(bool(failed))


if __name__ == "__main__":
    atexit.register(clear)
    sys.exit(main())
