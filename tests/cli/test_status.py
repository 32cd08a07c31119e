"""`bcrunbook status`: how each step ended last, and what to do next."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs12,
)
from icalendar import Calendar

from bcrunbook.accounts import Workspace, load
from bcrunbook.cli.ages import when
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.steps import SETUP_STEPS, STEPS, step_named
from bcrunbook.steps.client_secret.calendar import keep_calendar
from bcrunbook.steps.client_secret.life import SecretLife, day
from tests.cli.conftest import Command
from tests.conftest import MakeWorkspace, lay_out, only_account
from tests.support.certificates import issued
from tests.support.portal import api_key
from tests.support.running import run_steps


def note(
    workspace: Workspace, step: str, state: str, *, customer: str | None = None, **data: Any
) -> None:
    """Write an outcome into the ledger, as a run does."""
    whose = workspace.account(only_account(workspace)).identity
    if not step_named(step).is_about_codat:
        whose = whose.apart_from_codat
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        run = ledger.begin_run(Scope(whose, step, customer), "apply")
        ledger.record_outcome(run, Scope(whose, step, customer), state, {"summary": "", **data})


def with_customers(workspace: Workspace, **display_names: str) -> Workspace:
    """The same workspace, whose account has customers."""
    config = workspace.root / "accounts.toml"
    tables = [
        f'[accounts.{only_account(workspace)}.customers.{name}]\nname = "{display_name}"\n'
        f'contact = "{name}@example.org"\n'
        for name, display_name in display_names.items()
    ]
    config.write_text("\n".join([config.read_text("utf-8"), *tables]), encoding="utf-8")
    return load(workspace.root)


def test_before_any_run(command: Command, make_workspace: MakeWorkspace) -> None:
    """Every step is listed as not run yet, and the first command is named."""
    workspace = make_workspace()
    result = command("status", "-w", workspace.root)
    assert result.code == 0
    assert result.out.count("not run yet") == len(SETUP_STEPS)
    assert f"bcrunbook run {only_account(workspace)}" in result.err
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
    printed = command("status", "-w", workspace.root).err
    assert f"register_application: bcrunbook run {name} --mode apply" in printed


def test_a_line_tells_how_far_each_account_is(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Above the table: how much is done, what is next and for whom it waits."""
    workspace = make_workspace()
    name = only_account(workspace)
    note(workspace, START_HERE, "done")
    note(workspace, REGISTER_APPLICATION, "needs_person", changes=[CHANGE])
    told = command("status", "-w", workspace.root).out
    (line,) = (one for one in told.splitlines() if "steps done" in one)
    assert line.split()[:4] == [name, "1", "of", str(len(STEPS))]
    assert "Register the application (waiting for an administrator, usually" in line
    assert told.index(line) < told.index("ended last")


CARD = {"who": "an administrator", "actions": ["open the link"], "link": "https://example.org"}
CHANGE = {"key": "act", "title": "act", "by": "person", "hand_off": CARD}


@pytest.mark.parametrize(
    ("state", "data", "says"),
    [
        ("failed", {"error": {"next": "correct the tenant", "who": "you"}}, "correct the tenant"),
        ("needs_person", {"changes": [CHANGE]}, "administrator: open the link https:"),
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
    result = command("status", "-w", workspace.root)
    assert "register_application: " in result.err and says in result.err
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
    whose = workspace.account(name).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        ledger.record(Scope(whose, "codat_keys"), "save_keys", "0ld0", "said", {}, said_by="Ada")
        ledger.record(Scope(whose, "client_secret"), "secret_stored", "0ld0", "done", {})
        assert "every step has passed" in command("status", "-w", workspace.root).err
        ledger.record(Scope(whose, "client_secret"), "secret_stored", "new1", "done", {})
    result = command("status", "-w", workspace.root)
    assert f"codat_keys: bcrunbook run {name}" in result.err
    assert "needs_person" in result.out


def test_when_everything_has_passed(command: Command, make_workspace: MakeWorkspace) -> None:
    """It says so, in 80 columns and without cutting a name off."""
    workspace = make_workspace(name="an-account-with-a-long-name-30")
    for step in SETUP_STEPS:
        note(workspace, step.id, "changed")
    result = command("status", "-w", workspace.root)
    assert "every step has passed" in result.err
    assert "…" not in result.out
    for step in SETUP_STEPS:
        assert step.id in result.out


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


def of_customer(command: Command, workspace: Workspace, customer: str) -> dict[str, Any]:
    """What the data for programs say about a customer's steps, by the step."""
    rows = command("status", "-w", workspace.root, "--json").data
    return {row["step"]: row for row in rows if row["customer"] == customer}


def test_each_customer_is_listed_with_steps_6_and_7(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Below the accounts, by account and customer; the account's own steps come first."""
    workspace = with_customers(make_workspace(), north="Northwind", south="Southwind")
    name = only_account(workspace)
    result = command("status", "-w", workspace.root)
    assert result.out.count("not run yet") == len(SETUP_STEPS) + 4
    for customer in ("north", "south"):
        assert f"{name}/{customer}" in result.out
        assert f"{name}/{customer}: {name} comes first." in result.err
    assert result.out.count("6 link_customer") == result.out.count("7 health_check") == 2
    rows = command("status", "-w", workspace.root, "--json").data
    assert [row["step"] for row in rows if row["customer"] is None] == [
        step.id for step in SETUP_STEPS
    ]
    assert list(of_customer(command, workspace, "south")) == ["link_customer", "health_check"]
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    printed = command("status", "-w", workspace.root).err
    assert f"{name}: every step has passed" in printed
    assert f"{name}/north: bcrunbook run {name} --customer north" in printed


def test_a_customers_next_action_is_told_like_an_accounts(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """From the link's outcome; when that has passed, the check; then nothing is left."""
    workspace = with_customers(make_workspace(), north="Northwind", south="Southwind")
    name = only_account(workspace)
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    note(workspace, "link_customer", "needs_person", customer="north", changes=[CHANGE])
    note(workspace, "link_customer", "done", customer="south")
    printed = command("status", "-w", workspace.root).err
    assert f"{name}/north: link_customer: an administrator: open the link https:" in printed
    assert f"{name}/south: bcrunbook check {name}" in printed
    one = of_customer(command, workspace, "north")["link_customer"]
    assert (one["state"], one["since"] is None) == ("needs_person", False)
    assert "administrator: open the link" in one["next"]
    note(workspace, "link_customer", "waiting", customer="north")
    again = of_customer(command, workspace, "north")["link_customer"]["next"]
    assert again == f"wait some minutes, then bcrunbook run {name} --customer north"


def test_many_customers_are_counted(command: Command, make_workspace: MakeWorkspace) -> None:
    """A line for all of whom the same is said; the data for programs tell of each."""
    names = [f"c{number}" for number in range(25)]
    workspace = with_customers(make_workspace(), **{name: name.title() for name in names})
    name = only_account(workspace)
    result = command("status", "-w", workspace.root)
    assert [line.split() for line in result.out.splitlines() if "link_customer" in line] == [
        [name, "6", "link_customer", "not", "run", "yet", "25"]
    ]
    assert f"{name}: 25 customers (c0, c1, c2 and 22 more): {name} comes first." in result.err
    assert len(result.err.splitlines()) == 3
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    note(workspace, "link_customer", "done", customer="c7")
    note(workspace, "link_customer", "waiting", customer="c9")
    printed = command("status", "-w", workspace.root).err
    assert f"{name}: 23 customers (c0, c1, c2 and 20 more): bcrunbook run {name}" in printed
    assert "--customer NAME" in printed and "--customer c" not in printed
    assert f"{name}: 1 customer (c7): bcrunbook check {name}" in printed
    assert f"{name}: 1 customer (c9): link_customer: wait some minutes" in printed
    assert of_customer(command, workspace, "c9")["link_customer"]["state"] == "waiting"


def test_very_different_customers_are_not_all_told(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Some of them, and how the others are found."""
    names = [f"c{number}" for number in range(25)]
    workspace = with_customers(make_workspace(), **{name: name.title() for name in names})
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    for one in names:
        error = {"next": f"correct the row of {one}", "who": "you"}
        note(workspace, "link_customer", "failed", customer=one, error=error)
    printed = command("status", "-w", workspace.root).err.splitlines()
    assert len(printed) == 13
    assert "15 customers (c10, c11, c12 and 12 more): something else" in printed[-1]


def test_a_live_customer_is_planned_first(command: Command, make_workspace: MakeWorkspace) -> None:
    """As for accounts: nothing that writes is suggested before a plan was looked at."""
    workspace = with_customers(make_workspace(cloud="live"), north="Northwind")
    name = only_account(workspace)
    for step in SETUP_STEPS:
        note(workspace, step.id, "done")
    printed = command("status", "-w", workspace.root).err
    assert f"{name}/north: bcrunbook plan {name} --customer north" in printed
    note(workspace, "link_customer", "pending", customer="north")
    printed = command("status", "-w", workspace.root).err
    assert f"link_customer: bcrunbook run {name} --customer north --mode apply" in printed


async def test_what_the_check_said_of_each_customer_is_told(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """A real check, of three customers of whom two have one name, and of one who came later."""
    workspace = with_customers(make_workspace(), north="Northwind", south="Northwind", west="West")
    (outcome,) = await run_steps(workspace, "health_check")
    assert {one.actual for one in outcome.findings if one.name.startswith("Customer")} == {
        "not begun"
    }
    one = of_customer(command, workspace, "south")["health_check"]
    assert (one["state"], one["summary"], one["next"]) == ("done", "not begun", "")
    workspace = with_customers(workspace, east="East")
    assert of_customer(command, workspace, "east")["health_check"]["state"] is None
    api_key(workspace, "a-key-that-was-revoked")
    (outcome,) = await run_steps(workspace, "health_check")
    for customer in ("north", "south", "west", "east"):
        one = of_customer(command, workspace, customer)["health_check"]
        assert (one["state"], one["since"] is None) == ("needs_person", False)
        assert "in the Codat Portal" in one["next"] and "codat_api_key" in one["next"]
    titles = [one.title for one in outcome.hand_offs]
    assert "Customer Northwind (north): it could not be looked at" in titles
    assert "Customer Northwind (south): it could not be looked at" in titles
    assert "needs_person" in command("status", "-w", workspace.root).out


def test_a_check_that_failed_as_a_whole_is_told_of_every_customer(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """Nothing was seen of anybody, and the way out is the same for all."""
    workspace = with_customers(make_workspace(), north="Northwind")
    error = {"next": "correct the tenant", "who": "you"}
    note(workspace, "health_check", "failed", error=error)
    one = of_customer(command, workspace, "north")["health_check"]
    assert (one["state"], one["next"]) == ("failed", "correct the tenant")


def test_it_says_how_long_the_secret_is_good_for(
    command: Command, make_workspace: MakeWorkspace
) -> None:
    """A line for an account of whose secret the ledger knows, with the file for a calendar."""
    workspace = make_workspace()
    account = workspace.account(only_account(workspace))
    assert "client secret" not in command("status", "-w", workspace.root).err
    made = datetime.now(UTC) - timedelta(days=1)
    life = SecretLife("id", made, made + timedelta(days=90))
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        scope = Scope(account.identity, CLIENT_SECRET)
        ledger.record(scope, FactKind.SECRET_SEEN, "1234abcd", "observed", life.as_dict())
    printed = command("status", "-w", workspace.root).err
    assert f"{account.name}: client secret [|=" in printed
    assert f"89 of 90 days left, ends {day(life.ends)}" in printed and "reminder" not in printed
    kept = keep_calendar(workspace.root, account, life)
    assert f"; reminder: {Path(kept)}" in command("status", "-w", workspace.root).err


def test_one_calendar_holds_what_ends_of_all_accounts(
    command: Command, tmp_path: Path, cloud: RehearsalDescription
) -> None:
    """The events of each account's own file, with the same ids; who has none is named."""
    known = {"one": {}, "two": {"codat_instance": None, "codat_api_key": None}}
    later = {"three": {"codat_instance": None, "codat_api_key": None}}
    workspace = lay_out(tmp_path, cloud, {**known, **later})
    file = tmp_path / "new" / "ends.ics"
    result = command("status", "-w", workspace.root, "--calendar", file)
    assert result.code == 0 and not file.exists() and "No calendar is written" in result.err
    made, of_each = datetime.now(UTC), set()
    for number, name in enumerate(known):
        life = SecretLife(f"id-{name}", made, made + timedelta(days=90 + number))
        account = workspace.account(name)
        with open_ledger(workspace.ledger_url, workspace.root) as ledger:
            scope = Scope(account.identity, CLIENT_SECRET)
            ledger.record(scope, FactKind.SECRET_SEEN, "1234abcd", "observed", life.as_dict())
        kept = (workspace.root / keep_calendar(workspace.root, account, life)).read_bytes()
        of_each |= {(str(one["UID"]), one.start) for one in Calendar.from_ical(kept).events}
    result = command("status", "-w", workspace.root, "--calendar", file)
    together = Calendar.from_ical(file.read_bytes())
    assert {(str(one["UID"]), one.start) for one in together.events} == of_each
    assert len(of_each) == 2 * len(known)
    assert "no client secret is known of them: three" in result.err
    wrong = command("status", "-w", workspace.root, "--calendar", tmp_path)
    assert wrong.code == 2 and "--calendar" in wrong.err


def test_the_calendar_holds_the_ends_of_certificates_too(
    command: Command, tmp_path: Path, cloud: RehearsalDescription
) -> None:
    """Of whose files tell: the one that is shown, not who has signed it; none with a password."""
    key, authority = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    own = issued(key, authority, since=-2)
    above = issued(authority, authority, name="authority", since=-9)
    secret = BestAvailableEncryption(b"pass")
    names = {
        "chain": b"".join(one.public_bytes(Encoding.PEM) for one in (above, own)),
        "pfx": pkcs12.serialize_key_and_certificates(b"", key, own, [above], NoEncryption()),
        "locked": pkcs12.serialize_key_and_certificates(b"", key, own, None, secret),
        "broken": b"nothing",
    }
    accounts: dict[str, dict[str, Any]] = {}
    for name, content in names.items():
        (tmp_path / f"{name}.pem").write_bytes(content)
        sign_in = {"method": "certificate", "client_id": cloud.clients["batch"]}
        sign_in["certificate"] = str(tmp_path / f"{name}.pem")
        accounts[name] = {"sign_in": sign_in, "codat_instance": None, "codat_api_key": None}
    workspace, file = lay_out(tmp_path, cloud, accounts), tmp_path / "ends.ics"
    for _ in range(2):
        assert command("status", "-w", workspace.root, "--calendar", file).code == 0
        events = Calendar.from_ical(file.read_bytes()).events
        assert {str(one["SUMMARY"]) for one in events} == {
            f"The certificate with which account {name} signs in ends" for name in ("chain", "pfx")
        }
        assert {one.start for one in events} == {own.not_valid_after_utc}
        assert len({str(one["UID"]) for one in events}) == 2
        told = "".join(str(one["DESCRIPTION"]) for one in events)
        assert "there: chain.pem" in told and "there: pfx.pem" in told


@pytest.mark.parametrize(
    ("ago", "says"),
    [
        (timedelta(seconds=-5), "12:00, just now"),
        (timedelta(seconds=59), "12:00, just now"),
        (timedelta(minutes=1), "12:00, 1 min ago"),
        (timedelta(hours=23, minutes=59), "12:00, 23 h ago"),
        (timedelta(days=1), "2026-11-24, 1 day ago"),
        (timedelta(days=40), "2026-11-24, 40 days ago"),
    ],
)
def test_how_long_ago(ago: timedelta, says: str) -> None:
    """With the time of a day that is not over, else with the day; by UTC in any zone."""
    at = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    for zone in (UTC, timezone(timedelta(hours=14))):
        assert when(at.astimezone(zone), (at + ago).astimezone(zone)) == says


def test_it_says_how_long_ago_a_step_ended(command: Command, make_workspace: MakeWorkspace) -> None:
    """Beside how it ended."""
    workspace = make_workspace()
    note(workspace, "start_here", "done")
    printed = command("status", "-w", workspace.root).out
    assert re.search(r"done +\d\d:\d\d, (just now|1 min ago)", printed)
