"""`bcrunbook handover`: what the ledger has is told, and what it lacks is said to be not noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bcrunbook.accounts import Workspace, load
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    ROTATE_SECRET,
)
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps import SETUP_STEPS, step_named
from bcrunbook.steps.client_secret.handover import note_handover
from tests.cli.conftest import Command, program
from tests.cli.test_status import note, with_customers
from tests.conftest import MakeWorkspace, only_account
from tests.support.independent_client import person_of
from tests.support.running import run_steps
from tests.test_schemas import is_printed

CARD = {"who": "the customer", "actions": ["open the link"], "link": "https://example.org"}
ENDS = datetime.now(UTC) + timedelta(days=90)


@contextmanager
def noting(workspace: Workspace) -> Iterator[tuple[Ledger, Any]]:
    """The workspace's ledger, and whom its one account is."""
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        yield ledger, workspace.account(only_account(workspace)).identity


def handed_over(command: Command, workspace: Workspace) -> tuple[dict[str, Any], str]:
    """What is told of the workspace's one account, and the page."""
    result = command("handover", "-w", workspace.root, "--json")
    assert result.code == 0, result.err
    is_printed("handover", result.data)
    (page,) = sorted((workspace.root / "handover").iterdir())[-1].glob("*.html")
    (account,) = result.data["accounts"]
    return account, page.read_text("utf-8")


def test_before_anything_was_done(command: Command, make_workspace: MakeWorkspace) -> None:
    """Every step is open with the command that begins it; nothing else is known."""
    workspace = make_workspace()
    account, page = handed_over(command, workspace)
    assert [one["step"] for one in account["open"]] == [step.id for step in SETUP_STEPS]
    assert all(f"bcrunbook run {account['account']}" in one["next"] for one in account["open"])
    assert (account["writes"], account["said"], account["secrets"]) == ([], [], [])
    assert "is not set up" in account["story"] and "written nothing" in account["story"]
    assert "not noted" in page


async def test_a_person_who_signed_in_is_named_with_each_write(
    command: Command, make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """By the sign-in name, beside the id of each answer; so is who consented."""
    client = cloud.clients["bootstrap"]
    sign_in = {"method": "device_code", "client_id": client, "cache": "memory"}
    workspace = make_workspace(sign_in=sign_in)
    robin = person_of(cloud, "robin")
    steps = (REGISTER_APPLICATION, CLIENT_SECRET, API_PERMISSIONS)
    await run_steps(workspace, *steps, person=robin)
    account, page = handed_over(command, workspace)
    assert {one["identity"] for one in account["writes"]} == {robin.upn}
    done = [one for one in account["writes"] if one["run_id"]]
    assert done and all(one["request_ids"] for one in done)
    consent = account["consents"][0]
    assert (consent["known"], consent["identity"]) == ("done", robin.upn)
    (secret,) = account["secrets"]
    assert secret["identity"] == robin.upn
    assert f"as {robin.upn}." in account["story"] and robin.upn in page


def test_what_an_earlier_version_left_is_not_noted(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Writes, consent, secret and handover without identity, id or user: told, and said so."""
    workspace = make_workspace()
    with noting(workspace) as (ledger, whose):
        consent = {"change": "consent", "what": "grant admin consent for the tenant"}
        ledger.record(Scope(whose, API_PERMISSIONS), FactKind.APPLIED, "consent", "done", consent)
        data = {"reference": "file:x/0ld0", "ends": ENDS.isoformat(), "key_id": "k"}
        secret = Scope(whose, CLIENT_SECRET)
        ledger.record(secret, FactKind.SECRET_STORED, "0ld0", "done", data)
        ledger.record(secret, FactKind.SECRET_HANDED_OVER, "0ld0", "done", {"to": "clipboard"})
    account, page = handed_over(command, workspace)
    (granted,) = account["consents"]
    assert (granted["identity"], granted["scopes"], granted["request_ids"]) == (None, None, [])
    assert [one["identity"] for one in account["writes"]] == [None, None]
    (kept,) = account["secrets"]
    assert (kept["reference"], kept["identity"]) == ("file:x/0ld0", None)
    (hand,) = kept["handed"]
    assert (hand["to"], hand["user"]) == ("clipboard", None)
    assert "as whom is not noted" in account["story"]
    assert "nobody has said that it is saved" in account["story"]
    assert "clipboard of somebody (not noted)" in page


def test_a_word_counts_for_the_secret_that_it_was_about(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Who saved an older secret has not saved the newer one; both are told, with their ends."""
    workspace = make_workspace()
    with noting(workspace) as (ledger, whose):
        for marker in ("0ld0", "new1"):
            data = {"reference": f"file:x/{marker}", "ends": ENDS.isoformat()}
            secret = Scope(whose, CLIENT_SECRET)
            ledger.record(secret, FactKind.SECRET_STORED, marker, "done", data)
            if marker == "0ld0":
                note_handover(ledger, whose, marker, "client", "terminal")
                said = {"said": "I have saved these keys", "values": {"Instance": "Books"}}
                keys = Scope(whose, CODAT_KEYS)
                ledger.record(keys, "save_keys", marker, "said", said, said_by="Ada Lovelace")
    account, page = handed_over(command, workspace)
    newer, older = account["secrets"]
    assert (newer["marker"], newer["saved"], newer["handed"]) == ("new1", [], [])
    assert (older["marker"], older["saved"][0]["by"]) == ("0ld0", "Ada Lovelace")
    assert older["handed"][0]["user"]
    assert "nobody has said" in account["story"] and "Ada Lovelace" not in account["story"]
    assert {one["what"] for one in account["ends"]} == {
        "the client secret 0ld0",
        "the client secret new1",
    }
    (said,) = account["said"]
    assert (said["by"], said["values"]) == ("Ada Lovelace", {"Instance": "Books"})
    assert "I have saved these keys" in page
    with noting(workspace) as (ledger, whose):
        scope = Scope(whose, CLIENT_SECRET)
        ledger.record(scope, FactKind.SECRET_REMOVED, "0ld0", "done", {})
    account, _ = handed_over(command, workspace)
    assert account["secrets"][1]["removed_at"]
    assert [one["what"] for one in account["ends"]] == ["the client secret new1"]


def test_what_is_open_names_the_card(make_workspace: MakeWorkspace) -> None:
    """After a run that ended at a person's part: the step, what to do, and the file of the card."""
    workspace = make_workspace()
    name = only_account(workspace)
    ran = program("run", name, "-w", workspace.root)
    assert ran.code == 3, ran.err
    told = program("handover", name, "-w", workspace.root, "--json")
    assert told.code == 0, told.err
    (account,) = told.data["accounts"]
    waiting = next(one for one in account["open"] if one["step"] == CODAT_KEYS)
    assert waiting["state"] == "needs_person" and waiting["next"]
    card = workspace.root / waiting["card"]
    assert card.name.endswith(".card.html") and card.is_file()


def test_a_rotation_under_way_is_open(command: Command, make_workspace: MakeWorkspace) -> None:
    """It is no part of setting up, and yet whoever takes over has to end it."""
    workspace = make_workspace()
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    assert handed_over(command, workspace)[0]["open"] == []
    note(workspace, ROTATE_SECRET, "waiting")
    account, page = handed_over(command, workspace)
    (under_way,) = account["open"]
    assert under_way["step"] == ROTATE_SECRET
    assert f"bcrunbook rotate {account['account']}" in under_way["next"]
    assert step_named(ROTATE_SECRET).title in page and "1 open" in page


def test_customers_that_the_file_has_no_more_are_told(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """With the name that they had; an older ledger tells a connection by its watch alone."""
    workspace = with_customers(make_workspace(), north="Northwind")
    with noting(workspace) as (ledger, whose):
        for customer, name in (("north", "Northwind"), ("gone", "Gone Ltd")):
            scope = Scope(whose, LINK_CUSTOMER, customer)
            data = {"name": name, "customer": name}
            ledger.record(scope, FactKind.COMPANY, f"c-{customer}", "observed", data)
        scope = Scope(whose, LINK_CUSTOMER, "gone")
        ledger.record(scope, FactKind.WATCH_BEGAN, "watched", "observed", {})
    note(workspace, LINK_CUSTOMER, "needs_person", customer="north")
    account, page = handed_over(command, workspace)
    north, gone = account["customers"]
    assert (north["in_file"], north["company"], north["connection"]) == (True, "c-north", None)
    assert (gone["in_file"], gone["name"], gone["connection"]) == (False, "Gone Ltd", "watched")
    assert "0 of 1 customer is linked" in account["story"]
    assert "not in accounts.toml any more" in page
    assert [one["customer"] for one in account["open"]][-1] == "north"


def test_what_was_done_in_another_instance_is_not_handed_over(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Companies of one Codat instance are nobody's in another; the application is the same."""
    workspace = make_workspace()
    with noting(workspace) as (ledger, whose):
        scope = Scope(whose, LINK_CUSTOMER, "north")
        ledger.record(scope, FactKind.COMPANY, "c", "done", {"name": "N", "customer": "N"})
        ledger.record(
            Scope(whose, REGISTER_APPLICATION), FactKind.APPLICATION, "id", "observed", {}
        )
    config = workspace.root / "accounts.toml"
    instance = workspace.account(only_account(workspace)).codat_instance or ""
    config.write_text(config.read_text("utf-8").replace(instance, "Another"), encoding="utf-8")
    account, _ = handed_over(command, load(workspace.root))
    assert (account["customers"], account["writes"]) == ([], [])
    assert {"what": "Client id", "value": "id"}.items() <= account["there"][3].items()


def test_many_customers_cost_no_more_queries(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """The ledger is asked as often for two hundred customers as for two."""
    asked: list[int] = []
    for count in (2, 200):
        workspace = with_customers(
            make_workspace(), **{f"c{count}x{one}": f"Customer {one}" for one in range(count)}
        )
        with noting(workspace) as (ledger, whose):
            for customer in workspace.account(only_account(workspace)).customers:
                scope = Scope(whose, LINK_CUSTOMER, customer)
                run = ledger.begin_run(scope, "apply")
                change = {"key": "link", "title": "link", "by": "person", "hand_off": CARD}
                data = {"summary": "A person has to act.", "changes": [change]}
                ledger.record_outcome(run, scope, "needs_person", data)
                made = {"name": customer, "customer": customer}
                ledger.record(scope, FactKind.COMPANY, customer, "done", made, run_id=run)
        with queries() as seen:
            account, _ = handed_over(command, workspace)
        assert len(account["customers"]) == len(account["writes"]) == count
        asked.append(len(seen))
    assert asked[0] == asked[1]


@contextmanager
def queries() -> Iterator[list[str]]:
    """The statements that any database is asked in the block."""
    seen: list[str] = []

    def asked(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", asked)
    try:
        yield seen
    finally:
        event.remove(sa.Engine, "before_cursor_execute", asked)


@pytest.mark.scrubs
def test_a_secret_in_the_ledger_is_masked(command: Command, make_workspace: MakeWorkspace) -> None:
    """One that got into a row past the program is in neither file, and not on stdout."""
    workspace = make_workspace()
    leaked = "abc8Q~" + "x1Y2z3W4v5U6t7S8r9Q0p1O2n3M4l5K6j7"
    with noting(workspace) as (ledger, whose):
        said = {"said": "I have saved it", "values": {"Note": "a-place"}}
        ledger.record(Scope(whose, CODAT_KEYS), "save_keys", "m", "said", said, said_by="Ada")
    file = workspace.root / "ledger.db"
    with sa.create_engine(f"sqlite:///{file}").begin() as connection:
        update = sa.text("UPDATE fact SET data = replace(data, 'a-place', :leaked)")
        assert connection.execute(update, {"leaked": leaked}).rowcount
    shown = command("handover", "-w", workspace.root, "--json").out
    files = [one for one in (workspace.root / "handover").rglob("*") if one.is_file()]
    assert len(files) == 2
    for text in (shown, *(one.read_text("utf-8") for one in files)):
        assert "I have saved it" in text and leaked not in text


def test_an_account_that_is_not_there(command: Command, make_workspace: MakeWorkspace) -> None:
    """The nearest name is offered, and nothing is written."""
    workspace = make_workspace(name="trial")
    result = command("handover", "trail", "-w", workspace.root)
    assert result.code == 2 and "trial" in result.err
    assert not (workspace.root / "handover").exists()


def test_where_nothing_can_be_written(command: Command, make_workspace: MakeWorkspace) -> None:
    """It says which file, and ends without a traceback."""
    workspace = make_workspace()
    (workspace.root / "handover").write_text("mine", encoding="utf-8")
    result = command("handover", "-w", workspace.root)
    assert result.code not in (0, 70) and "handover.html" in result.err
    assert "Traceback" not in result.err
    assert (workspace.root / "handover").read_text("utf-8") == "mine"


def test_page_and_data_are_named_last(command: Command, make_workspace: MakeWorkspace) -> None:
    """The page's address, which opens at a click, and the data, which hold the same accounts."""
    workspace = make_workspace()
    *_, data, page = command("handover", "-w", workspace.root).out.splitlines()
    assert Path(unquote(urlsplit(page).path)).is_file()
    told = json.loads(Path(data).read_text("utf-8"))
    assert [one["account"] for one in told["accounts"]] == [only_account(workspace)]
