"""All that a world leaves behind, as one text: the same for every play of it.

Nothing of it is masked but the folder in which this process keeps its worlds. Ids and secrets are
drawn from the seed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Final

from bcrunbook.ledger.tables import metadata
from tests.simulation.scenes import files_in
from tests.simulation.world import World

_FOLDER: Final = "FOLDER"


def trace_of(world: World) -> str:
    """The ledger row by row, every file, every request, every line of a log.

    Args:
        world: one that has come to rest.
    """
    lines = [*world.said, *_ledger(world), *_files(world), *world.logged]
    lines += map(json.dumps, (*world.cloud.requests.lines, *world.cloud.fired.lines))
    return "\n".join(lines).replace(str(world.folder), _FOLDER)


def _ledger(world: World) -> Iterator[str]:
    database = sqlite3.connect(world.folder / "workspace/ledger.db")
    try:
        for name in metadata.tables:
            for row in database.execute(f"SELECT * FROM {name} ORDER BY 1"):
                yield f"{name} {row}"
    finally:
        database.close()


def _files(world: World) -> Iterator[str]:
    for name, content in files_in(
        world.folder, ("workspace/ledger.db", "cloud/rehearsal.json")
    ).items():
        yield f"{name}\n{content.decode('utf-8', 'backslashreplace')}"
