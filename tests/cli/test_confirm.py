"""`bcrunbook confirm`: somebody's word, about what was handed over, and nothing else."""

from __future__ import annotations

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from tests.cli.conftest import Command
from tests.conftest import MakeWorkspace, only_account
from tests.support.portal import facts, handed
from tests.support.running import run_steps

STEP = "codat_keys"


@pytest.fixture
async def ready(make_workspace: MakeWorkspace) -> tuple[Workspace, Outcome]:
    """A workspace whose step `codat_keys` has handed over the keys, and that outcome."""
    workspace = make_workspace()
    outcomes = await run_steps(workspace, "register_application", "client_secret", STEP)
    return workspace, outcomes[-1]


def ledger_of(workspace: Workspace) -> Ledger:
    """The workspace's ledger."""
    return open_ledger(workspace.ledger_url, workspace.root)


def test_it_notes_who_saved_which_keys(command: Command, ready: tuple[Workspace, Outcome]) -> None:
    """Name, secret, client id and instance are in the ledger and on the screen."""
    workspace, outcome = ready
    name = only_account(workspace)
    result = command("confirm", name, STEP, "--by", "Ada Lovelace", "-w", workspace.root)
    assert (result.code, result.out) == (0, "")
    (fact,) = facts(workspace, STEP, "save_keys")
    assert (fact.basis, fact.said_by) == ("said", "Ada Lovelace")
    assert fact.subject == outcome.hand_offs[0].subject
    assert fact.data["values"] == dict(handed(outcome).values)
    for value in ("Ada Lovelace", *fact.data["values"].values(), f"bcrunbook run {name}"):
        assert value in result.err


def test_it_tells_programs_the_same(command: Command, ready: tuple[Workspace, Outcome]) -> None:
    """`--json` has account, step, who, what was said and about which values."""
    workspace, outcome = ready
    name = only_account(workspace)
    data = command("confirm", name, STEP, "--by", "Ada", "-w", workspace.root, "--json").data
    assert (data["account"], data["step"], data["by"]) == (name, STEP, "Ada")
    assert data["values"] == dict(handed(outcome).values)


def test_status_says_to_run_again(command: Command, ready: tuple[Workspace, Outcome]) -> None:
    """Before the word it says what to do, after it who said so and that the next run goes on."""
    workspace, _ = ready
    name = only_account(workspace)
    whose = workspace.account(name).identity.apart_from_codat
    with ledger_of(workspace) as ledger:
        for step in ("start_here", "api_permissions"):
            run = ledger.begin_run(Scope(whose, step), "apply")
            ledger.record_outcome(run, Scope(whose, step), "done", {"summary": ""})
    assert "it has to be" in command("status", "-w", workspace.root).err
    command("confirm", name, STEP, "--by", "Ada", "-w", workspace.root)
    assert "Ada says that it is done: bcrunbook run" in command("status", "-w", workspace.root).err


@pytest.mark.parametrize("step", ["codat_keys", "client_secret"])
def test_a_step_that_waits_for_nobodys_word(
    command: Command, make_workspace: MakeWorkspace, step: str
) -> None:
    """Not run yet, or never asking for a word: nothing is noted, and the next command is named."""
    workspace = make_workspace()
    name = only_account(workspace)
    result = command("confirm", name, step, "--by", "Ada", "-w", workspace.root)
    assert result.code == 2
    assert f"bcrunbook run {name} {step}" in result.err
    with ledger_of(workspace) as ledger:
        assert ledger.facts(Scope(workspace.account(name).identity)) == []


@pytest.mark.parametrize("by", ["", "  ", "abc8Q~0123456789abcdefghijklmnopqrstuvwx"])
def test_a_name_is_needed(command: Command, ready: tuple[Workspace, Outcome], by: str) -> None:
    """No name, or something that looks like the secret itself: refused, and not repeated."""
    workspace, _ = ready
    result = command("confirm", only_account(workspace), STEP, "--by", by, "-w", workspace.root)
    assert result.code == 2
    assert facts(workspace, STEP, "save_keys") == []
    assert not by.strip() or by not in result.err


def test_a_word_about_an_older_secret_is_refused(
    command: Command, ready: tuple[Workspace, Outcome]
) -> None:
    """Who copied another secret than the one handed over has saved that one: nothing is noted."""
    workspace, outcome = ready
    name = only_account(workspace)
    with ledger_of(workspace) as ledger:
        whose = workspace.account(name).identity
        ledger.record(Scope(whose, "client_secret"), "secret_copied", "0ld0ld00", "done", {})
    result = command("confirm", name, STEP, "--by", "Ada", "-w", workspace.root)
    assert result.code == 2
    assert "0ld0ld00" in result.err and outcome.hand_offs[0].subject in result.err
    assert facts(workspace, STEP, "save_keys") == []
