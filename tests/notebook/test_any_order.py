"""Cells are run in any order and again, pages are loaded again, kernels are restarted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

import pytest

from bcrunbook.order import CODAT_KEYS, ENABLE_INTEGRATION, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import MakeWorkspace, lay_out, only_account
from tests.notebook.interactive_session import InteractiveSession
from tests.support.independent_client import MakeClient
from tests.support.share import number

PEOPLE = number("PEOPLE", usual=12, whole=60)
SEED = os.environ.get("PERSON_SEED", "")
PARTS = -(-PEOPLE // 30)

OPEN = """
from bcrunbook.notebook import open_step
step = await open_step({step!r}, account={account!r}, mode="auto", workspace={root!r})
step
"""
VERBS = {
    "examine": "await step.examine()",
    "plan": "step.plan()",
    "apply": "await step.apply()",
    "check": "step.check()",
    "outcome": "await step.outcome()",
}


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_a_person_does(part: int) -> None:
    """People drawn anew; one again with PERSON_SEED, more with PEOPLE."""
    first = SEED or str(SystemRandom().randrange(10**9))
    print(f"people from PERSON_SEED={first}")
    count = "1" if SEED else str(-(-PEOPLE // PARTS))
    done = subprocess.run(
        [sys.executable, "-m", "tests.person.play", first, count],
        capture_output=True,
        text=True,
        timeout=60 + 10 * PEOPLE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def every_pair() -> Iterator[str]:
    """The verbs in such an order that each comes right after each, itself included."""
    names, left = list(VERBS), {(one, other) for one in VERBS for other in VERBS}
    here = names[0]
    yield here
    while left:
        step_to = next((other for other in names if (here, other) in left), None)
        if step_to is None:
            here = next(one for one, _ in left)
            yield here
            continue
        left.discard((here, step_to))
        here = step_to
        yield here


@pytest.mark.parametrize("step", [START_HERE, REGISTER_APPLICATION, CODAT_KEYS, ENABLE_INTEGRATION])
def test_each_verb_may_follow_each(
    make_workspace: MakeWorkspace, session: InteractiveSession, step: str
) -> None:
    """Every cell shows something, and nothing ends in a traceback; nothing is written."""
    workspace = make_workspace()
    account, root = only_account(workspace), str(workspace.root)
    session.run(OPEN.format(step=step, account=account, root=root))
    for verb in every_pair():
        (shown,) = session.run(VERBS[verb])
        assert shown["text/plain"].strip()
        assert shown["text/html"].strip()
    assert not [one for one in session.traffic if one["msg_type"] in ("error", "stream")]


def begin(
    session: InteractiveSession, make_workspace: MakeWorkspace, step: str = REGISTER_APPLICATION
) -> str:
    """Run all cells; returns the account."""
    workspace = make_workspace()
    account = only_account(workspace)
    session.run(OPEN.format(step=step, account=account, root=str(workspace.root)))
    for cell in VERBS.values():
        session.run(cell)
    return account


def test_run_all_ends_and_what_waits_is_said_where_one_ends(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """The last cells name the button; after the click they fill themselves in."""
    account = begin(session, make_workspace)
    session.until(lambda: session.is_open("Apply"))
    label = session.label("Apply")
    assert f"({account})" in label
    (check,) = session.run(VERBS["check"])
    (outcome,) = session.run(VERBS["outcome"])
    for waiting in (check, outcome):
        assert label in waiting["text/plain"]
    assert make_client().applications(account) == []
    session.click("Apply")
    assert session.outcome()["state"] == "changed"
    session.run(VERBS["check"])
    assert "ok" in session.run(VERBS["check"])[0]["text/plain"]


def test_an_outcome_is_no_end(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """After "Not now" and the outcome, Apply asks again, and does it."""
    account = begin(session, make_workspace)
    session.until(lambda: session.is_open("Not now"))
    session.click("Not now")
    assert session.outcome()["state"] == "needs_person"
    session.run(VERBS["apply"], click="Apply")
    assert session.outcome()["state"] == "changed"
    assert len(make_client().applications(account)) == 1


def test_a_page_that_is_loaded_again_and_a_second_one_show_the_same(
    make_workspace: MakeWorkspace, make_client: MakeClient, session: InteractiveSession
) -> None:
    """The question stands there still, and can be answered there."""
    account = begin(session, make_workspace)
    session.until(lambda: session.is_open("Apply"))
    label = session.label("Apply")
    session.reload()
    assert session.label("Apply") == label
    other = session.another()
    other.displays |= session.displays
    other.reload()
    assert [other.read(one) for one in other.displays.values()] == [
        session.read(one) for one in session.displays.values()
    ]
    other.click("Apply")
    assert session.outcome()["state"] == "changed"
    assert len(make_client().applications(account)) == 1
    other.leave()


def test_an_error_that_nobody_foresaw_is_a_card(
    make_workspace: MakeWorkspace, session: InteractiveSession
) -> None:
    """It says whose fault it is; once it is mended, the same cell goes on."""
    workspace = make_workspace()
    account, root = only_account(workspace), str(workspace.root)
    session.run(OPEN.format(step=REGISTER_APPLICATION, account=account, root=root))
    session.run(
        "from bcrunbook.steps.register_application import RegisterApplication as R\n"
        "kept = R.examine\n"
        "async def broken(*_): raise ZeroDivisionError('within')\n"
        "R.examine = broken"
    )
    (shown,) = session.run(VERBS["examine"])
    assert "ZeroDivisionError" in shown["text/plain"]
    assert "Traceback" not in shown["text/plain"].partition("ZeroDivisionError")[0]
    assert session.outcome()["state"] == "failed"
    session.run("R.examine = kept")
    (shown,) = session.run(VERBS["examine"])
    assert "Application" in shown["text/plain"]
    session.run(VERBS["apply"], click="Apply")
    assert session.outcome()["state"] == "changed"


def test_the_bar_follows_a_choice_that_is_made_elsewhere(
    tmp_path: Path,
    cloud: RehearsalDescription,
    session: InteractiveSession,
) -> None:
    """The kernel goes along, takes its question back, and says so."""
    workspace = lay_out(tmp_path, cloud, {"here": {}, "there": {"kind": "production"}})
    root = workspace.root
    opened = OPEN.format(step=REGISTER_APPLICATION, account="here", root=str(root))
    (bar,) = session.run(opened)
    for cell in VERBS.values():
        session.run(cell)
    session.until(lambda: session.is_open("Apply"))
    (root / ".bcrunbook" / "chosen.json").write_text('{"account": {"here": "there"}}', "utf-8")
    session.until(lambda: "there (production)" in session.read(bar))
    assert not session.shown_buttons("Apply")
    session.run(VERBS["apply"])
    session.until(lambda: bool(session.shown_buttons("Apply")))
    assert "(there)" in session.label("Apply")
