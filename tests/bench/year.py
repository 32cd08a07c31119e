"""A ledger of many customers after a year: `python -m tests.bench.year [CUSTOMERS] [WEEKS]`.

In each week (52) a batch looked at each customer (10000), and a check at all of them. What the run
of one customer and one check leave behind is played, in virtual time; the rest are copies of that,
written into the ledger's own tables. Prints the seconds that somebody waits for `status`, for
`status --json`, and for the report of the last batch. Not a test: figures depend on the machine.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.accounts.customers_csv import COLUMNS
from bcrunbook.core.step import Mode
from bcrunbook.ledger.scope import FactKind
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.ledger.tables import fact, outcome, run
from bcrunbook.order import HEALTH_CHECK, LINK_CUSTOMER
from bcrunbook.run.batch import record
from bcrunbook.run.batch.coordinator import progress_of
from bcrunbook.run.batch.progress import StepSummary
from bcrunbook.run.batch.report import write_batch_report
from bcrunbook.run.batch.selection import Selection, chosen
from bcrunbook.run.rehearse.workspace import STANDARD, prepare
from bcrunbook.run.step import run_step
from bcrunbook.steps.health_check import customer_parts
from tests.bench.waiting import customers_of
from tests.simulation.drawing import Drawn, Start
from tests.simulation.scenes import Scene, files_in
from tests.simulation.stage import clear, staged
from tests.simulation.world import World
from tests.support.linking import SCRIPTS, lab_customer
from tests.support.program import PROGRAM

CUSTOMERS, WEEKS = 10_000, 52
ACCOUNT, SCRIPT = "trial", "normal"
TO_LINK = 50
"""Of so many customers one has to link yet."""
CUSTOMERS_FILE = "customers.csv"
MODE = "apply"

Row = dict[str, Any]


@dataclass(frozen=True)
class Left:
    """What the run of one customer, and a check, leave behind.

    Args:
        workspace: a workspace in which that has happened, and which has many customers now.
        run: the customer's run.
        outcome: what it came to.
        facts: what was noted of the customer's extension last, if anything was.
        check_run: the check's run.
        check: what it came to.
    """

    workspace: Workspace
    run: Row
    outcome: Row
    facts: list[Row]
    check_run: Row
    check: Row


def left_by(start: Start, folder: Path, customers: int) -> Left:
    """Play them, with one customer.

    Args:
        start: how far the customer is.
        folder: where the workspace and the cloud's files are put.
        customers: how many customers the workspace has then.
    """

    async def look(world: World) -> Workspace:
        for step, customer in ((LINK_CUSTOMER, SCRIPT), (HEALTH_CHECK, "")):
            work = run_step(world.workspace, ACCOUNT, step, Mode.APPLY, customer=customer)
            await world.machine.start(step).run(work)
        Scene(loop.time(), {}, frozenset(), files_in(world.folder)).lay_out(folder)
        trial = replace(STANDARD[0], customers=())
        workspace = await prepare(folder, world.cloud.description, [trial], anew=True)
        return with_customers(workspace.root, customers)

    customer = lab_customer(SCRIPT, SCRIPTS[SCRIPT])
    drawn = Drawn(0, start, customers=(SCRIPT,) if start == "linked" else ())
    with staged(drawn, [customer]) as (loop, world):
        workspace = loop.run_until_complete(look(world))
    with engine_of(workspace).connect() as connection:

        def rows(table: sa.Table, step: str) -> list[Row]:
            query = sa.select(table).where(table.c.step == step).order_by(table.c.id)
            return [dict(row) for row in connection.execute(query).mappings()]

        outcomes = {step: rows(outcome, step)[-1] for step in (LINK_CUSTOMER, HEALTH_CHECK)}
        runs = {
            step: next(row for row in rows(run, step) if row["id"] == ended["run_id"])
            for step, ended in outcomes.items()
        }
        return Left(
            workspace,
            runs[LINK_CUSTOMER],
            outcomes[LINK_CUSTOMER],
            [row for row in rows(fact, LINK_CUSTOMER) if row["kind"] == FactKind.EXTENSION][-1:],
            runs[HEALTH_CHECK],
            outcomes[HEALTH_CHECK],
        )


def with_customers(root: Path, count: int) -> Workspace:
    """The workspace with so many customers, in a file as a spreadsheet writes it.

    Args:
        root: the workspace's folder.
        count: how many.
    """
    with (root / CUSTOMERS_FILE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for one in customers_of(count):
            tenant = one.contact.partition("@")[2]
            rows.writerow(
                (one.name, one.display_name, one.contact, tenant, one.environment, one.company)
            )
    accounts, heading = root / FILE_NAME, f"[accounts.{ACCOUNT}]\n"
    text = accounts.read_text("utf-8")
    named = f'{heading}customers = "{CUSTOMERS_FILE}"\n'
    accounts.write_text(text.replace(heading, named, 1), "utf-8")
    return load(root)


def engine_of(workspace: Workspace) -> sa.Engine:
    """The ledger's file."""
    return sa.create_engine(f"sqlite:///{workspace.root / 'ledger.db'}")


def year(folder: Path, customers: int, weeks: int) -> Workspace:
    """A workspace whose ledger has all that.

    Args:
        folder: where it is made.
        customers: how many the account has.
        weeks: for how many weeks they have been looked at.
    """
    to_link = left_by("enabled", folder / "to-link", 1)
    linked = left_by("linked", folder / "linked", customers)
    whose = [
        (name, linked if number % TO_LINK else to_link)
        for number, name in enumerate(linked.workspace.account(ACCOUNT).customers)
    ]
    began = datetime.now(UTC) - timedelta(days=7 * weeks)
    for week in range(1, weeks + 1):
        batch = write_week(linked, whose, week, began + timedelta(days=7 * week, minutes=-5))
        if week < weeks:
            with opened(linked.workspace) as ledger:
                record.end(ledger, batch, 0)
    return linked.workspace


def write_week(one: Left, whose: list[tuple[str, Left]], week: int, at: datetime) -> record.Batch:
    """What one week leaves in the ledger; comes back with its batch, all but ended.

    Args:
        one: whose account it is.
        whose: each customer's name, and what is left of theirs.
        week: its number.
        at: when it was.
    """
    runs: list[Row] = []
    outcomes: list[Row] = []
    facts: list[Row] = []
    items = [of_item(whom, left) for whom, left in [("", None), *whose]]
    for name, left in whose:
        id = f"{week:02} {name}"
        mine = {"run_id": id, "at": at, "customer": name}
        runs.append(of_run(left.run, id, at, customer=name))
        outcomes.append({**left.outcome, **mine})
        facts += [{**row, **mine} for row in left.facts]
    data = one.check["data"]
    theirs = [row for row in data["findings"] if row["name"].startswith("Customer ")]
    own = [row for row in data["findings"] if row not in theirs]
    parts = customer_parts(one.workspace.account(ACCOUNT)).values()
    found = own + [{**theirs[0], "name": part} for part in parts]
    runs.append(of_run(one.check_run, f"{week:02} check", at))
    ended = {"run_id": f"{week:02} check", "at": at, "data": {**data, "findings": found}}
    outcomes.append({**one.check, **ended})
    with opened(one.workspace) as ledger:
        batch = begin(ledger, one.workspace, week)
    whole = {
        name: getattr(record.NOBODY, name) for name in ("account", "cloud", "tenant", "instance")
    }
    noted = {"at": at, "step": record.STEP, "kind": FactKind.BATCH_ITEM, "basis": "done", **whole}
    facts += [{**noted, "subject": batch.id, "data": item} for item in items]
    names = {table: [column.name for column in table.c] for table in (run, outcome, fact)}
    engine = engine_of(one.workspace)
    with engine.begin() as connection:
        for table, rows in ((run, runs), (outcome, outcomes), (fact, facts)):
            # Ids of outcomes and facts are the database's own.
            columns = [name for name in names[table] if name != "id" or table is run]
            same = [{name: row.get(name) for name in columns} for row in rows]
            connection.execute(table.insert(), same)
    engine.dispose()
    return batch


def opened(workspace: Workspace) -> Ledger:
    """The ledger, as the program has it."""
    return open_ledger(workspace.ledger_url, workspace.root)


def of_run(row: Row, id: str, at: datetime, **other: Any) -> Row:
    """A run like another."""
    return {**row, **other, "id": id, "started_at": at, "ended_at": at + timedelta(seconds=2)}


def of_item(name: str, left: Left | None) -> Row:
    """What a batch notes of a customer; or of the account itself, of which it did nothing."""
    if left is None:
        return {"account": ACCOUNT, "customer": "", "lines": []}
    data = left.outcome["data"]
    state = left.outcome["state"]
    line = StepSummary(
        account=ACCOUNT,
        customer=name,
        step=LINK_CUSTOMER,
        state=state,
        since=data["since"] or "",
        summary=data["summary"],
        next="" if state in ("done", "changed") else "send the link",
        notebook=f"{ACCOUNT}/{name}/06-link-a-customer.ipynb",
        card="",
        seconds=2.0,
        exit_code=data["exit_code"],
    )
    return {"account": ACCOUNT, "customer": name, "lines": [line.as_dict()]}


def begin(ledger: Ledger, workspace: Workspace, week: int) -> record.Batch:
    """A week's batch, begun; or the last one, taken up again."""
    folder = workspace.root / f"runs/week-{week:02}"
    folder.mkdir(parents=True, exist_ok=True)
    items = chosen(workspace, Selection(), {})
    return record.begin(ledger, folder, items, MODE, anew=False)


def report(workspace: Workspace, weeks: int) -> None:
    """Take up the last batch, and write its report."""
    with opened(workspace) as ledger:
        batch = begin(ledger, workspace, weeks)
    progress = progress_of(batch, chosen(workspace, Selection(), {}))
    assert progress.ended == len(progress.items)
    title = f"Batch {batch.id}"
    write_batch_report(batch.folder / "report.html", progress, cloud="rehearsal", title=title)


def seconds(act: Callable[[], object]) -> float:
    """How long something takes: the shortest of three."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return min(taken)


def command(*words: str) -> None:
    """Give a command, as a person does."""
    subprocess.run([*PROGRAM, *words], check=True, capture_output=True)


def main() -> None:
    """Make the ledger, and measure."""
    customers, weeks = [*(int(one) for one in sys.argv[1:]), CUSTOMERS, WEEKS][:2]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        workspace = year(Path(folder), customers, weeks)
        size = (workspace.root / "ledger.db").stat().st_size
        print(f"{customers} customers, {weeks} weeks: {size / 2**20:.0f} MiB", end=", ")
        print(f"made in {time.perf_counter() - began:.0f} s", flush=True)
        where = ("-w", str(workspace.root))
        for name, act in (
            ("bcrunbook --version", lambda: command("--version")),
            ("status", lambda: command("status", *where)),
            ("status --json", lambda: command("status", "--json", *where)),
            ("report of the last batch", lambda: report(workspace, weeks)),
        ):
            print(f"{name:26} {seconds(act):6.2f} s", flush=True)
    clear()


if __name__ == "__main__":
    main()
