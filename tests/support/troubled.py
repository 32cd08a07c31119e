"""A rehearsal cloud of its own whose faults a test decides while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcrunbook.rehearsal import RehearsalDescription, launch


@dataclass
class Troubled:
    """A rehearsal cloud and the file of its fault rules.

    A rule is about the host that is given here, unless it names another.
    """

    cloud: RehearsalDescription
    rules: Path
    host: str

    def now(self, *rules: dict[str, Any]) -> None:
        """From now on these faults, and no others."""
        fresh = self.rules.with_suffix(".new")
        fresh.write_text(json.dumps([{"host": self.host, **rule} for rule in rules]), "utf-8")
        fresh.replace(self.rules)


@contextmanager
def troubled(folder: Path, host: str = "graph.microsoft.com") -> Iterator[Troubled]:
    """Such a cloud, which begins without faults."""
    rules = folder / "faults.json"
    rules.write_text("[]", encoding="utf-8")
    with launch(folder / "cloud", skips=True, latency_ms=0, faults=rules, lags="worst") as cloud:
        yield Troubled(cloud, rules, host)
