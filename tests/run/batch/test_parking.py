"""Customers whose extension is being installed: followed by the batch itself, in no process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.run.papermill import read_outcome
from bcrunbook.steps.opening import open_context
from tests.run.batch.conftest import running
from tests.support.clock import held
from tests.support.linking import SCRIPTS, lab_customer, link, set_up

ENDS = {
    "normal": "done",
    "slow": "done",
    "fetch-errors": "done",
    "licence-missing": "needs_person",
    "never-finishes": "waiting",
    "later-uninstalled": "done",
}
"""How each customer ends, by the script that their environment lives through."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: an environment links once."""
    with launch(
        tmp_path_factory.mktemp("parking") / "cloud", skips=True, lags="worst"
    ) as description:
        yield description


@pytest.fixture(scope="module")
def workspace(cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with customers none of whom has begun."""
    customers = [lab_customer(name, SCRIPTS[name]) for name in ENDS]
    return asyncio.run(set_up(Path(cloud.directory).parent, cloud, customers))


async def link_all(workspace: Workspace, cloud: RehearsalDescription) -> None:
    """Every customer does their part."""
    async with open_context(workspace, workspace.account("trial")) as context:
        for name in ENDS:
            await link(context, cloud, name)


def workers(coordinator: int) -> list[psutil.Process]:
    """The processes that run notebooks for it."""
    found: list[psutil.Process] = []
    for server in psutil.Process(coordinator).children():
        if "forkserver" in " ".join(server.cmdline()):
            found += server.children()
    return found


@pytest.mark.skipif(
    sys.platform == "win32", reason="it is killed, and looked at by its fork server"
)
def test_they_are_followed_without_a_process_even_by_the_next_batch(
    workspace: Workspace, cloud: RehearsalDescription
) -> None:
    """Killed while all wait, taken up again: each ends as its installation does, watched once."""
    with running(workspace.root, "trial/*") as before:
        assert before.end()[0] == 3
    assert sorted(before.ended()) == sorted(f"trial/{name}" for name in ENDS)
    asyncio.run(link_all(workspace, cloud))

    with held(cloud), running(workspace.root, "trial/*", "--jobs", "2") as first:
        while len(first.ended()) + len(first.parked()) < len(ENDS):
            first.next()
        assert workers(first.child.pid) == []
        first.child.kill()
        first.child.communicate()
    # On a slow machine the quick ones may have ended by then; these have not.
    assert {"trial/slow", "trial/fetch-errors", "trial/never-finishes"} <= set(first.parked())

    with running(workspace.root, "trial/*", "--jobs", "2") as second:
        code, stderr = second.end()
    assert f"{len(first.ended())} of 6 have ended" in stderr and code == 3
    assert sorted(first.ended() + second.ended()) == sorted(f"trial/{name}" for name in ENDS)
    assert "trial/never-finishes" in second.parked()

    report = Path(second.events[-1]["report"])
    whose = workspace.account("trial").identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        for name, state in ENDS.items():
            (notebook,) = (report.parent / "trial" / "customers" / name).glob("*.ipynb")
            outcome = read_outcome(notebook)
            assert outcome is not None and outcome.state == state, name
            facts = ledger.facts(Scope(whose, "link_customer", name))
            kinds = [fact.kind for fact in facts]
            if f"trial/{name}" in first.parked():
                # On a slow machine it was installed before anybody had looked.
                watches = kinds.count("watch")
                assert watches == kinds.count("verdict") <= 1, name
                assert watches or name != "never-finishes"
                # In the record, too, what was seen while nobody was there.
                assert not watches or len(outcome.timeline) > 1, name
