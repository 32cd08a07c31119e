"""`bcrunbook status`: how each step ended last, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.ledger import open_ledger
from bcrunbook.steps import SETUP_STEPS
from tests.cli.conftest import Command
from tests.conftest import MakeWorkspace, only_account


def note(workspace: Workspace, step: str, state: str, **data: Any) -> None:
    """Write an outcome into the ledger, as a run does."""
    account = only_account(workspace)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        run = ledger.begin_run(account, step, "apply", "rehearsal")
        ledger.record_outcome(run, account, step, state, {"summary": "", **data})


def test_before_any_run(command: Command, make_workspace: MakeWorkspace) -> None:
    """Every step is listed as not run yet, and the first command is named."""
    workspace = make_workspace()
    told = command("status", "-w", workspace.root)
    assert told.code == 0
    assert told.out.count("not run yet") == len(SETUP_STEPS)
    assert f"bcrunbook run {only_account(workspace)}" in told.err
    rows = command("status", "-w", workspace.root, "--json").data
    assert [(row["step"], row["state"]) for row in rows] == [
        (step.id, None) for step in SETUP_STEPS
    ]


def test_a_live_account_is_planned_first(command: Command, make_workspace: MakeWorkspace) -> None:
    """Nothing that writes to a live cloud is suggested before a plan was looked at."""
    workspace = make_workspace(cloud="live")
    name = only_account(workspace)
    assert f"bcrunbook plan {name}" in command("status", "-w", workspace.root).err
    note(workspace, "start_here", "done")
    note(workspace, "register_application", "pending")
    told = command("status", "-w", workspace.root).err
    assert f"register_application: bcrunbook run {name} --mode apply" in told


CARD = {"who": "an administrator", "actions": ["open the link"], "link": "https://example.org"}


@pytest.mark.parametrize(
    ("state", "data", "says"),
    [
        ("failed", {"error": {"next": "correct the tenant", "who": "you"}}, "correct the tenant"),
        ("needs_person", {"changes": [{"hand_off": CARD}]}, "administrator: open the link https:"),
        ("needs_person", {"error": {"next": "allow it", "who": "Robin"}}, "Robin: allow it"),
        ("waiting", {}, "wait some minutes, then bcrunbook run"),
    ],
)
def test_what_is_open_says_who_can_do_what(
    state: str,
    data: dict[str, Any],
    says: str,
    command: Command,
    make_workspace: MakeWorkspace,
) -> None:
    """The next action comes from the outcome of the first step that has not passed."""
    workspace = make_workspace()
    note(workspace, "start_here", "done")
    note(workspace, "register_application", state, **data)
    told = command("status", "-w", workspace.root)
    assert "register_application: " in told.err and says in told.err
    rows = command("status", "-w", workspace.root, "--json").data
    assert says in rows[1]["next"] and rows[0]["next"] == ""


def test_a_new_secret_makes_the_saved_keys_out_of_date(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """The step that had passed has to be run again, and the status says so before that."""
    workspace = make_workspace()
    name = only_account(workspace)
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        ledger.record(name, "codat_keys", "save_keys", "0ld0", "said", {}, said_by="Ada")
        ledger.record(name, "client_secret", "secret_stored", "0ld0", "done", {})
        assert "every step has passed" in command("status", "-w", workspace.root).err
        ledger.record(name, "client_secret", "secret_stored", "new1", "done", {})
    told = command("status", "-w", workspace.root)
    assert f"codat_keys: bcrunbook run {name}" in told.err
    assert "needs_person" in told.out


def test_when_everything_has_passed(command: Command, make_workspace: MakeWorkspace) -> None:
    """It says so, in 80 columns and without cutting a name off."""
    workspace = make_workspace(name="an-account-with-a-long-name-30")
    for step in SETUP_STEPS:
        note(workspace, step.id, "changed")
    told = command("status", "-w", workspace.root)
    assert "every step has passed" in told.err
    assert "…" not in told.out
    for step in SETUP_STEPS:
        assert step.id in told.out


def test_production_waits_for_its_trial(command: Command, make_workspace: MakeWorkspace) -> None:
    """An account that requires another is told so until the other has passed."""
    workspace = make_workspace(name="trial")
    config = workspace.root / "accounts.toml"
    config.write_text(
        config.read_text("utf-8")
        + '[accounts.production]\nkind = "production"\ntenant = "contoso.com"\n'
        + 'application = "Books"\nrequires = "trial"\n',
        encoding="utf-8",
    )
    assert "production: trial comes first" in command("status", "-w", workspace.root).err
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    assert "production: bcrunbook plan production" in command("status", "-w", workspace.root).err
