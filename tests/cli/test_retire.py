"""`bcrunbook retire` and `restore`: one command each, and what every other command makes of it."""

from __future__ import annotations

import asyncio

import pytest

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import REGISTER_APPLICATION, RETIRE_CUSTOMER
from bcrunbook.steps.retired import note_begun
from tests.cli.conftest import Command, program
from tests.conftest import MakeWorkspace, only_account
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps


def with_a_customer(workspace: Workspace) -> Workspace:
    """The same workspace, whose account has one customer."""
    with (workspace.root / FILE_NAME).open("a", encoding="utf-8") as file:
        table = f"[accounts.{only_account(workspace)}.customers.mill]"
        file.write(f'\n{table}\nname = "Mill Ltd"\ncontact = "ada@mill.example"\n')
    return load(workspace.root)


def test_a_whole_account_in_one_command(
    command: Command, make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """Its customers and itself; then nothing runs or fails for it, until it is restored.

    It is production: its name has to be typed.
    """
    workspace = with_a_customer(make_workspace(kind="production"))
    root, name = workspace.root, only_account(workspace)
    at = ("--workspace", root)
    asyncio.run(run_steps(workspace, REGISTER_APPLICATION))
    done = program("retire", name, "--with-customers", "--name", name, *at, "--json")
    assert done.code == 0, done.err
    assert [(one["outcome"]["customer"], one["outcome"]["state"]) for one in done.data["runs"]] == [
        ("mill", "done"),
        ("", "changed"),
    ]
    assert make_client().applications(name) == []

    refused = command("run", name, *at)
    assert refused.code == 2 and f"bcrunbook restore {name}" in refused.err
    batch = command("batch", *at)
    assert batch.code == 0
    assert f"Left out: {name} was retired on" in batch.err and "Mill" not in batch.err
    shown = command("status", *at)
    assert "retired on" in shown.out and f"bcrunbook restore {name}" in shown.err
    rows = command("status", *at, "--json").data
    assert all(row["retired"] and row["next"].startswith("bcrunbook restore") for row in rows)
    check = command("check", name, *at, "--json")
    assert (check.code, check.data["accounts"][0]["state"]) == (0, "done")
    (handed,) = command("handover", name, *at, "--json").data["accounts"]
    assert handed["retired"] and handed["open"] == [] and "was retired on" in handed["story"]

    refused = command("restore", name, "--customer", "mill", *at)
    assert refused.code == 2, "the account comes first"
    assert program("restore", name, *at).code == 0
    again = command("restore", name, "--customer", "mill", *at)
    assert again.code == 0 and f"{name}/mill is a customer again." in again.err
    rows = command("status", *at, "--json").data
    assert {(row["retired"], row["state"]) for row in rows} == {(None, None)}
    assert make_client().application(name)


def test_a_retired_customer_is_left_out(command: Command, make_workspace: MakeWorkspace) -> None:
    """Of a run of all customers; named, the command says why, and how to take them up."""
    workspace = with_a_customer(make_workspace())
    root, name = workspace.root, only_account(workspace)
    whose = workspace.account(name).identity
    with open_ledger(workspace.ledger_url, root) as ledger:
        note_begun(ledger, Scope(whose, RETIRE_CUSTOMER, "mill"))
    for words in (("--customer", "mill"), ("link_customer",)):
        refused = command("run", name, *words, "--workspace", root)
        assert refused.code == 2
        assert f"{name}/mill is being retired since" in refused.err
        assert f"bcrunbook retire {name} --customer mill goes on" in refused.err
    batch = command("batch", f"{name}/mill", "--workspace", root)
    assert batch.code == 0 and "Left out" in batch.err
    listed = command("status", "--workspace", root)
    assert "being retired since" in listed.out
    (handed,) = command("handover", name, "--workspace", root, "--json").data["accounts"]
    assert handed["customers"] == [] or handed["customers"][0]["retired"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--delete-company",), "whose company"),
        (("--customer", "mill", "--with-customers"), "leave one of the two out"),
        (("--id", "everything"), "is no id"),
        (("--customer", "nobody"), "has no customer"),
    ],
)
def test_what_is_not_clear_is_refused(
    command: Command, make_workspace: MakeWorkspace, words: tuple[str, ...], told: str
) -> None:
    """Before anything is run, with what to give instead."""
    workspace = with_a_customer(make_workspace())
    refused = command("retire", only_account(workspace), *words, "--workspace", workspace.root)
    assert refused.code == 2 and told in refused.err
