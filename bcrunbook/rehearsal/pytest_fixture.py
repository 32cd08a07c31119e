"""A pytest fixture: a rehearsal cloud for the tests of whatever program talks to these services.

    from bcrunbook.rehearsal import rehearsal_cloud  # in conftest.py

pytest is the user's own; the package does not depend on it, and loads this module only when the
fixture is asked for.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from bcrunbook.rehearsal.description import RehearsalDescription
from bcrunbook.rehearsal.environment import environment_of
from bcrunbook.rehearsal.faults import load
from bcrunbook.rehearsal.launcher import launch
from bcrunbook.rehearsal.log import private_file

SPEED: Final = 200.0
"""Lags of seconds pass in hundredths, and still are there to be waited for."""


@dataclass(frozen=True)
class ServedCloud:
    """A running rehearsal cloud, as a test sees it.

    Args:
        description: addresses, tenants, people, keys: what rehearsal.json says.
        environment: the variables that lead a program to it.
        rules: the file of fault rules that it follows.
    """

    description: RehearsalDescription
    environment: Mapping[str, str]
    rules: Path

    @contextlib.contextmanager
    def faults(self, *rules: Mapping[str, Any]) -> Iterator[None]:
        """Have requests go wrong within a block; after it, none does.

        Args:
            rules: fault rules; their requests are counted from the start of the block.

        Raises:
            InvalidFaults: a rule is of no use; the text says which, and why.
        """
        self._replace(rules)
        try:
            yield
        finally:
            self._replace(())

    def _replace(self, rules: tuple[Mapping[str, Any], ...]) -> None:
        # Looked at first: the server would only write in its log that it keeps the old ones.
        draft = self.rules.with_suffix(".draft")
        private_file(draft, json.dumps(rules).encode())
        load(draft)
        draft.replace(self.rules)


@pytest.fixture(scope="session")
def rehearsal_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    """A rehearsal cloud in a folder of its own, served until the tests end.

    What a test makes there stays for the tests after it. For a cloud that nobody else has touched,
    or for another speed, use `bcrunbook.rehearsal.launch`.
    """
    folder = tmp_path_factory.mktemp("rehearsal")
    rules = folder / "faults.json"
    rules.write_text("[]", "utf-8")
    with launch(folder / "cloud", speed=SPEED, faults=rules) as description:
        yield ServedCloud(description, environment_of(description), rules)
