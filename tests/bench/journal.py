"""What a journal of shapes costs: `python -m tests.bench.journal`.

The same batch of fresh accounts with a journal and without one, in turns against one rehearsal
cloud, and the ratio of the medians. Not a test: figures depend on the machine; compare ratios on a
quiet one. Each turn begins with the other of the two, since a cloud that has more in it is slower.
"""

from __future__ import annotations

import statistics
from functools import partial

from bcrunbook.accounts import FILE_NAME, Workspace
from tests.bench.batch import Peaks, by_batch, timed, workspace_of

ACCOUNTS = 30
TURNS = 6
ALLOWED = 1.02
"""A journal may make a batch so many times as long."""

WAYS = ("never", "always")


def keep(workspace: Workspace, when: str) -> None:
    """Say in accounts.toml when a journal is kept."""
    file = workspace.root / FILE_NAME
    text = file.read_text("utf-8").partition("\n[runs]\n")[0]
    file.write_text(f'{text}\n[runs]\njournal = "{when}"\n', "utf-8")


def pattern(turn: int, way: str) -> str:
    """What the accounts of a batch are called."""
    return f"{way}{turn}-"


def main() -> None:
    """Measure and print."""
    names = [
        f"{pattern(turn, way)}{number:02}"
        for turn in range(TURNS)
        for way in WAYS
        for number in range(ACCOUNTS)
    ]
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with workspace_of(0, names) as workspace:
        for turn in range(TURNS):
            for way in WAYS if turn % 2 else WAYS[::-1]:
                keep(workspace, way)
                batch = partial(by_batch, workspace, f"{pattern(turn, way)}*", Peaks())
                seconds[way].append(timed(batch, ACCOUNTS))
        journals = list(workspace.root.rglob("journal.jsonl"))
        size = statistics.median(file.stat().st_size for file in journals)
    without, kept = (statistics.median(seconds[way]) for way in WAYS)
    print(f"{ACCOUNTS} accounts a batch, {TURNS} turns, medians of seconds an account")
    print(f"  without a journal  {without:7.3f} s   ({min(seconds['never']):.3f} at best)")
    print(f"  with one           {kept:7.3f} s   ({min(seconds['always']):.3f} at best)")
    print(f"  ratio              {kept / without:7.3f}     {ALLOWED} is allowed")
    print(f"  a journal has      {size / 1024:7.0f} KiB an account")


if __name__ == "__main__":
    main()
