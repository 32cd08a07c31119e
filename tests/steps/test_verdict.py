"""What the polls of a watch say together: the table of verdicts, and no false ones under faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcrunbook.steps.link_customer.installation.memory import LastKnownExtension, remembered
from bcrunbook.steps.link_customer.installation.poll import DeploymentEvent, Package, Poll, Trouble
from bcrunbook.steps.link_customer.installation.verdict import BUDGET, GOOD, Verdict, judge

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
APP = Package("a1", "p1", (1, 4, 27, 0), "PTE", is_installed=True)
REMOVED = replace(APP, is_installed=False)
REMEMBERED = LastKnownExtension(APP, START - timedelta(days=9), START - timedelta(days=1))
RUNNING = DeploymentEvent("deployment", "InProgress", START)
FAILED = DeploymentEvent("deployment", "Failed", START)
REFUSED = Trouble("403", "Forbidden", "EXTEN. MGT. - ADMIN is missing", START, is_active=True)


def poll(elapsed: float = 0.0, connection: str = "PendingAuth", **seen: Any) -> Poll:
    """A poll of an environment that can be read, without App Link unless told otherwise."""
    known: dict[str, Any] = {"packages": (), "deployments": (), "operations": (), **seen}
    return Poll(START + timedelta(seconds=elapsed), elapsed, connection, **known)


THERE: dict[str, Any] = {
    "packages": (APP,),
    "probe": "passed",
    "connection": "Linked",
    "data": "Complete",
}
SYNCED: dict[str, Any] = {"connection": "Linked", "data": "Complete"}
HIDDEN: dict[str, Any] = {"packages": None, "deployments": None, "operations": None}
FAILING = {**HIDDEN, "hiccups": ("companies: 503",)}
UPGRADING = {**FAILING, "environment": "Live: Upgrading"}


@pytest.mark.parametrize(
    ("polls", "memory", "verdict"),
    [
        ([poll()], None, Verdict.NOT_LINKED),
        ([poll(errors=(REFUSED,))], None, Verdict.LINK_FAILED),
        ([poll(errors=(replace(REFUSED, is_active=False),))], None, Verdict.NOT_LINKED),
        ([poll(60, deployments=(RUNNING,))], None, Verdict.INSTALLING),
        ([poll(60, deployments=(replace(RUNNING, status="Unknown"),))], None, Verdict.INSTALLING),
        ([poll(600, deployments=(FAILED,))], None, Verdict.SUSPECT),
        ([poll(0, **THERE)], None, Verdict.CONFIRMING),
        # Seen, and removed before the watch has ended: it is in no other environment.
        ([poll(0, **THERE), poll(35, **SYNCED)], None, Verdict.UNPUBLISHED),
        ([poll(0, **THERE), poll(35, **SYNCED, packages=(REMOVED,))], None, Verdict.UNINSTALLED),
        ([poll(0, **THERE), poll(10, **THERE)], None, Verdict.CONFIRMING),
        ([poll(0, **THERE), poll(30, **THERE)], None, Verdict.INSTALLED),
        (
            [poll(0, **THERE), poll(15, **{**THERE, **HIDDEN}), poll(30, **THERE)],
            None,
            Verdict.INSTALLED,
        ),
        ([poll(0, **THERE), poll(15), poll(30, **THERE)], None, Verdict.CONFIRMING),
        (
            [poll(0, **THERE), poll(30, **{**THERE, "probe": "accounts cannot be read"})],
            None,
            Verdict.CONFIRMING,
        ),
        (
            [poll(at, **{**THERE, "connection": "PendingAuth"}) for at in (0, 400)],
            None,
            Verdict.NOT_FINISHED,
        ),
        ([poll(connection="Linked", data="FetchError")], None, Verdict.INSTALLING),
        ([poll(connection="Linked", data="FetchError", **HIDDEN)], None, Verdict.INSTALLING),
        ([poll(connection="Linked", data="Complete", **HIDDEN)], None, Verdict.DATA_FLOWS),
        ([poll(hiccups=("companies: 503",), **HIDDEN)], None, Verdict.HIDDEN),
        (
            [poll(connection="Linked", data="Complete", hiccups=("companies: 503",), **HIDDEN)],
            None,
            Verdict.HIDDEN,
        ),
        (
            [poll(**SYNCED, deployments=(RUNNING,)), poll(30, **SYNCED, **HIDDEN)],
            None,
            Verdict.HIDDEN,
        ),
        (
            [poll(**SYNCED), *(poll(at, **SYNCED, **HIDDEN) for at in (30, 40, 50))],
            None,
            Verdict.HIDDEN,
        ),
        (
            [poll(**SYNCED), *(poll(at, **SYNCED, **HIDDEN) for at in (30, 60, 90))],
            None,
            Verdict.DATA_FLOWS,
        ),
        ([poll(), poll(900, **FAILING)], None, Verdict.HIDDEN),
        ([poll(), *(poll(at, **FAILING) for at in (900, 1100, 1199))], None, Verdict.HIDDEN),
        ([poll(), *(poll(at, **FAILING) for at in (900, 1100, 1200))], None, Verdict.NOT_LINKED),
        ([poll(at, **UPGRADING) for at in (0, 2600)], None, Verdict.HIDDEN),
        ([poll(0, **UPGRADING), poll(600, **FAILING)], None, Verdict.HIDDEN),
        (
            [poll(0, **UPGRADING), poll(600, **FAILING), poll(620, **UPGRADING)],
            None,
            Verdict.HIDDEN,
        ),
        (
            [poll(0, **UPGRADING), *(poll(at, **FAILING) for at in (600, 900))],
            None,
            Verdict.NOT_LINKED,
        ),
        ([poll(connection="Linked", data="PermissionsError")], None, Verdict.NOT_ALLOWED),
        ([poll(connection="Linked", data="AuthError")], None, Verdict.RELINK),
        ([poll(**{**THERE, "connection": "Deauthorized"})], None, Verdict.RELINK),
        ([poll(**{**THERE, "connection": "Unlinked"})], None, Verdict.CUT),
        (
            [poll(connection="Linked", packages=(replace(APP, is_installed=False),))],
            REMEMBERED,
            Verdict.UNINSTALLED,
        ),
        ([poll(connection="Linked", data="Complete")], REMEMBERED, Verdict.UNPUBLISHED),
        (
            [poll(connection="Linked")],
            replace(REMEMBERED, package=replace(APP, published_as="Global")),
            Verdict.UNINSTALLED,
        ),
        (
            [poll(**{**THERE, "packages": (replace(APP, version=(1, 3, 0, 0)),)})],
            REMEMBERED,
            Verdict.OLDER,
        ),
        ([poll(60, deployments=(RUNNING,))], REMEMBERED, Verdict.INSTALLING),
        (
            [
                poll(0, **SYNCED, deployments=(RUNNING,)),
                poll(30, **SYNCED, deployments=None, hiccups=("deployments: 400",)),
            ],
            REMEMBERED,
            Verdict.INSTALLING,
        ),
        (
            [poll(60, deployments=(replace(RUNNING, at=START - timedelta(days=2)),))],
            REMEMBERED,
            Verdict.UNPUBLISHED,
        ),
        ([poll(BUDGET, deployments=(RUNNING,))], None, Verdict.UNCONFIRMED),
        ([poll(0, **THERE), poll(BUDGET, **{**THERE, **FAILING})], None, Verdict.HIDDEN),
        (
            [poll(BUDGET - 1, **UPGRADING), poll(BUDGET, **UPGRADING)],
            None,
            Verdict.HIDDEN,
        ),
        ([poll(at, **UPGRADING) for at in (1, BUDGET)], None, Verdict.UNCONFIRMED),
        (
            [poll(at, **SYNCED, **FAILING) for at in (BUDGET - 300, BUDGET)],
            None,
            Verdict.UNCONFIRMED,
        ),
        ([poll(BUDGET, deployments=(FAILED,))], None, Verdict.UNCONFIRMED),
    ],
)
def test_each_situation_has_its_verdict(
    polls: list[Poll], memory: LastKnownExtension | None, verdict: Verdict
) -> None:
    """The rows of the contract's table, and what Codat adds.

    contract B7.6, B7.7, B8.4, B13.7, B13.11, B14.3, B14.5, B14.6, B14.7, B15.1, B15.2, B15.3,
    B15.4, B15.5, B15.6, B15.8, B15.9, C8.4, C8.6, C8.7, C8.15, C9.11, C9.12, C11.8, C11.9, C11.10,
    C11.14, C11.17, C12.7, C12.8, C12.9 and C12.10
    """
    assert judge(polls, memory).verdict is verdict


def test_polls_survive_the_ledger() -> None:
    """What was seen is told as plain data and read back the same."""
    seen = poll(
        12.5,
        errors=(REFUSED,),
        packages=(APP,),
        deployments=(RUNNING,),
        operations=None,
        unknown={"operations": "refused"},
        hiccups=("extension: 503",),
    )
    assert Poll.from_dict(seen.as_dict()) == seen


def test_memory_keeps_the_newest_version_and_both_dates() -> None:
    """An older version that is back does not make the newer one forgotten (contract B7.8)."""
    older = replace(APP, version=(1, 2, 0, 0))
    known = remembered(REMEMBERED, older, START)
    assert (known.package, known.first_seen, known.last_seen) == (
        APP,
        REMEMBERED.first_seen,
        START,
    )
    assert LastKnownExtension.from_dict(known.as_dict()) == known


EVERY = 30
STATUSES = ("Unknown", "InProgress", "Failed", "NotFound")
DATA = ("FetchError", "Fetching", "InternalError", "")
PROBES = ("passed", "accounts cannot be read")


@given(
    installed_at=st.integers(1, 70),
    linked_after=st.integers(-60, 8),
    chance=st.randoms(use_true_random=False),
)
def test_faults_within_the_budget_hide_no_installation(
    installed_at: int, linked_after: int, chance: Random
) -> None:
    """Whatever is refused, delayed or misreported on the way: it ends well, and not too early.

    Faults end five polls after the installation did, so that there is something to be seen.

    contract B8.9, B14.8 and B15.7
    """
    linked_at = max(1, installed_at + linked_after)
    last_fault = max(installed_at, linked_at) + 5
    polls = [poll(0, deployments=(replace(RUNNING, status="Unknown"),))]
    while judge(polls, None).is_under_way:
        turn = len(polls)
        assert turn <= last_fault + 4, judge(polls, None)
        is_faulty = turn < last_fault
        is_there, is_linked = turn >= installed_at, turn >= linked_at
        is_hidden = is_faulty and chance.random() < 0.4
        data = "" if not is_linked else "Complete" if is_there else "FetchError"
        status = "Completed" if is_there else "InProgress"
        polls.append(
            poll(
                turn * EVERY,
                connection="Linked" if is_linked else "PendingAuth",
                data=chance.choice(DATA) if is_linked and not is_there else data,
                packages=None if is_hidden else (APP,) if is_there else (),
                deployments=None
                if is_faulty and chance.random() < 0.4
                else (replace(RUNNING, status=chance.choice(STATUSES) if is_faulty else status),),
                operations=None if is_faulty and chance.random() < 0.4 else (),
                probe="" if not is_there else chance.choice(PROBES) if is_faulty else "passed",
                hiccups=("extension: 503",) if is_hidden else (),
            )
        )
    assert judge(polls, None).verdict in GOOD
    assert len(polls) > max(installed_at, linked_at)
