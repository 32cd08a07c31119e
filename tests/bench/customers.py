"""Customers, faults, and a batch killed again and again: `python -m tests.bench.customers`.

Takes how many customers (1000), and --seed for the same faults and instants again.

Every customer's installation follows one of the stand-in's scripts, each in turn. Some of the calls
to Codat and Business Central are refused or lose their answer, and `bcrunbook batch` is killed five
times at random instants. Somebody at the customers' opens each link as it appears. The same command
is given again and again, as by a person who follows what it says, until nothing changes any more.
Then the stand-in's own state and the ledger tell whether each customer ended as their script has
it, whether anything was done twice, and whether anything was lost.

Ends with 1 if something was wrong. Not a test: it takes long, and figures depend on the machine.
Needs signals and sessions of processes, so it does not run on Windows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from bcrunbook.accounts import Identity, Workspace
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger, open_ledger
from bcrunbook.rehearsal import RehearsalDescription, server, world
from bcrunbook.rehearsal.businesscentral.installation import INSTALLATION, SCRIPTS
from bcrunbook.rehearsal.codat.records import COMPANY, CONNECTION
from bcrunbook.rehearsal.people import CustomerPerson
from bcrunbook.run.batch import record
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.steps.link_customer.codat_customer import TAG, fetch_link
from bcrunbook.steps.link_customer.installation.verdict import NOT_SETTLED, Verdict
from bcrunbook.steps.link_customer.step import LinkCustomer
from bcrunbook.steps.opening import open_context
from tests.bench.batch import Peaks, environment
from tests.bench.waiting import ADMIN, connect_some, customers_of
from tests.support.linking import set_up
from tests.support.program import PROGRAM

KILLS = 5
SPREAD = 0.15
"""Over how many seconds for each customer the kills are spread: some come while links are made,
some while installations are followed."""
MOST_RUNS = 12
"""So often the batch is given again at most, the runs that are killed apart."""

ACCOUNT = "trial"
TENANT = world.COOPERATIVE
READY_SECONDS = 60.0
GONE_SECONDS = 30.0
"""How long a killed batch's processes may take to notice it."""

NAMES = tuple(SCRIPTS)
INSTALLED = frozenset({Verdict.INSTALLED})
# Removed before anybody looked a second time, or at all: then Codat's sync is what there is to see.
REMOVED = INSTALLED | {Verdict.DATA_FLOWS}


@dataclass(frozen=True)
class End:
    """What a customer comes to, by their environment's script.

    Args:
        state: how they stand once nothing changes any more.
        verdicts: how a watch of theirs may have ended that began after they linked.
    """

    state: str
    verdicts: frozenset[Verdict] = INSTALLED


ENDS = {
    "normal": End("done"),
    "slow": End("done"),
    "fetch_errors": End("done"),
    "licence_missing": End("needs_person", frozenset({Verdict.LINK_FAILED})),
    "never_finishes": End("waiting", frozenset()),
    "deployment_failed": End("done"),
    "later_uninstalled": End("needs_person", REMOVED | {Verdict.UNINSTALLED}),
    "later_unpublished": End("needs_person", REMOVED | {Verdict.UNPUBLISHED}),
    "upgrading": End("done"),
    "renamed": End("done"),
}

HOSTS = ("api.codat.io", "api.businesscentral.dynamics.com")
SHARE = 0.015
"""The share of calls to each of them that goes wrong."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 500},
    {"status": 503},
    {"drop": "before"},
    {"drop": "after"},
)
LISTED = 30
"""So much of what is wrong is printed."""
CALLS = 75
"""Calls to a service for each customer, up to which faults are planned."""


# What is rehearsed ------------------------------------------------------------------------------


def site(number: int) -> str:
    """The name of a customer's environment."""
    return f"Site-{number:04d}"


def script_of(customer: str) -> str:
    """The script of a customer's environment, by the customer's name."""
    return NAMES[int(customer.rpartition("-")[2]) % len(NAMES)]


def fault_rules(rng: random.Random, number: int) -> list[dict[str, Any]]:
    """Each kind of fault at each service, at calls that are drawn."""
    reach = CALLS * number
    each = round(reach * SHARE / len(FAULTS))
    return [
        {"host": host, "nth": sorted(rng.sample(range(1, reach + 1), each)), **fault}
        for host in HOSTS
        for fault in FAULTS
    ]


def serve(directory: Path, number: int, faults: Path) -> None:
    """The rehearsal cloud, with an environment for each customer: every script in turn."""
    others = tuple(one for one in world.ENVIRONMENTS if one.tenant != TENANT)
    sites = (site(one) for one in range(1, number + 1))
    # The stand-in's world has a few environments; here there are as many as customers.
    world.ENVIRONMENTS = others + tuple(  # type: ignore[misc]
        world.Environment(TENANT, one, "Sandbox", False, script_of(one), listed=False)
        for one in sites
    )
    server.serve(server.Settings(directory, faults=faults, skips=True, ends_with_stdin=True))


@contextmanager
def cloud(directory: Path, number: int, faults: Path) -> Iterator[RehearsalDescription]:
    """That cloud in a process of its own, which ends with this one."""
    directory.mkdir()
    words = [str(number), "--serve", str(directory), "--faults", str(faults)]
    with (directory / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.customers", *words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment(),
        )
    try:
        description = directory / "rehearsal.json"
        deadline = time.monotonic() + READY_SECONDS
        while not description.exists():
            assert child.poll() is None and time.monotonic() < deadline, "no rehearsal cloud"
            time.sleep(0.05)
        yield RehearsalDescription.read(description)
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


# The customers' side ----------------------------------------------------------------------------


def play_customers(cloud: RehearsalDescription, workspace: Workspace, linked: Path) -> None:
    """In a process of its own: open each customer's link, once, as soon as there is one."""
    asyncio.run(_play(cloud, workspace, linked))


async def _play(cloud: RehearsalDescription, workspace: Workspace, linked: Path) -> None:
    person = CustomerPerson(cloud, ADMIN)
    account = workspace.account(ACCOUNT)
    waiting = set(account.customers)
    async with open_context(workspace, account) as context:
        with linked.open("a", encoding="utf-8", buffering=1) as file:
            while waiting:
                for name in sorted(waiting & states_in(context.ledger, context.identity).keys()):
                    customer = account.customers[name]
                    # What the step made shows at once, so there is a link.
                    address = await fetch_link(replace(context, customer=customer))
                    printed = await asyncio.to_thread(
                        person.link,
                        address,
                        environment=str(customer.environment),
                        company=customer.company,
                    )
                    at = datetime.now(UTC).isoformat()
                    file.write(json.dumps({"customer": name, "at": at, "printed": printed}) + "\n")
                    waiting.discard(name)
                await context.cloud.pace.sleep(20.0)


# The batch --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kill:
    """When the batch was killed: seconds since the first one, and how far it had come."""

    at: float
    ended: int
    parked: int


@dataclass
class Journal:
    """What came of running the batch."""

    kills: list[Kill] = field(default_factory=list)
    runs: list[tuple[float, int]] = field(default_factory=list)
    """Of each that came to its own end: the seconds since the first began, and its exit code."""
    wrong: list[str] = field(default_factory=list)
    peaks: Peaks = field(default_factory=Peaks)
    is_settled: bool = False


class Running:
    """One `bcrunbook batch`, in a session of its own: whatever it leaves behind is found."""

    def __init__(self, workspace: Workspace, error_log: Path, peaks: Peaks) -> None:
        words = ["batch", "-w", str(workspace.root), f"{ACCOUNT}/*", "--json"]
        with error_log.open("ab") as errors:
            self._child = subprocess.Popen(
                [*PROGRAM, *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env=environment(),
            )
        self._process = psutil.Process(self._child.pid)
        self._peaks = peaks
        self._seen: Counter[str] = Counter()
        self._readers = [threading.Thread(target=one) for one in (self._read, self._watch)]
        for one in self._readers:
            one.start()

    @property
    def ended(self) -> int:
        """How many customers have ended in this run."""
        return self._seen["item_ended"]

    @property
    def parked(self) -> int:
        """How many are parked now."""
        return self._seen["parked"] - self._seen["settled"]

    def wait(self, seconds: float | None) -> int | None:
        """Its exit code; None when it has not ended in time."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """SIGKILL to the coordinator alone."""
        self._child.kill()
        self._child.wait()

    def left_behind(self) -> list[str]:
        """What of its processes is still there after a while; ends that."""
        deadline = time.monotonic() + GONE_SECONDS
        while (left := self._family()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        for reader in self._readers:
            reader.join()
        return [f"process {one.pid} was left behind" for one in left]

    def _family(self) -> list[psutil.Process]:
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getsid(one.pid) == self._child.pid and one.status() != "zombie":
                    found.append(one)
        return found

    def _read(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                # The last line of one that was killed may be half a line.
                with suppress(ValueError):
                    self._seen[json.loads(line)["event"]] += 1

    def _watch(self) -> None:
        while self._child.returncode is None:
            self._peaks.look(self._process)
            time.sleep(0.5)


def drive(
    workspace: Workspace,
    error_log: Path,
    instants: Sequence[float],
    side: BaseProcess,
    faults: Path,
) -> Journal:
    """Give the command until nothing changes any more; kill it at those seconds on the way.

    Once it has come to its end with everybody linked, the services are well again: each look may
    otherwise change something for the moment.
    """
    journal, left = Journal(), list(instants)
    began = time.monotonic()
    before: dict[str, str] = {}
    while len(journal.runs) < MOST_RUNS:
        everybody_has_linked = not side.is_alive()
        one = Running(workspace, error_log, journal.peaks)
        until = began + left[0] - time.monotonic() if left else None
        code = one.wait(max(0.0, until) if until is not None else None)
        at = time.monotonic() - began
        if code is None:
            left.pop(0)
            journal.kills.append(Kill(at, one.ended, one.parked))
            one.kill()
            journal.wrong += one.left_behind()
            print(f"  killed at {at:6.1f} s, {one.ended} ended and {one.parked} parked", flush=True)
            continue
        journal.wrong += one.left_behind()
        journal.runs.append((at, code))
        with open_ledger(workspace.ledger_url, workspace.root) as ledger:
            now = states_in(ledger, workspace.account(ACCOUNT).identity)
        print(f"  came to its end at {at:6.1f} s: {dict(Counter(now.values()))}", flush=True)
        if now == before and everybody_has_linked and not left:
            journal.is_settled = True
            break
        if everybody_has_linked and not left:
            faults.write_text("[]", encoding="utf-8")
        before = now
    return journal


# What is checked --------------------------------------------------------------------------------


def states_in(ledger: Ledger, whose: Identity) -> dict[str, str]:
    """How each customer's step ended last."""
    return {
        str(one.customer): one.state
        for one in ledger.standings(whose)
        if one.step == LinkCustomer.id and one.customer
    }


def kept(state: Path, kind: str) -> Iterator[tuple[str, str, Any]]:
    """The stand-in's records of a kind, after its end: partition, key, newest version."""
    with closing(sqlite3.connect(state)) as db:
        rows = db.execute("SELECT tenant, key, versions FROM records WHERE kind = ?", (kind,))
        for tenant, key, versions in rows.fetchall():
            yield tenant, key, json.loads(versions)[-1][2]


def check_cloud(state: Path, names: Sequence[str]) -> Iterator[str]:
    """One company, one connection, one installation for each customer, and nothing else."""
    companies: dict[str, list[str]] = defaultdict(list)
    for _, company, document in kept(state, COMPANY):
        if tag := document["tags"].get(TAG):
            companies[tag].append(company)
    connections = Counter(company for company, _, _ in kept(state, CONNECTION))
    runs = {key: len(one["runs"]) for tenant, key, one in kept(state, INSTALLATION)}
    for name in names:
        mine = companies.pop(f"{ACCOUNT}.{name}", [])
        if len(mine) != 1:
            yield f"{name}: {len(mine)} companies in Codat"
        for company in mine:
            if connections[company] != 1:
                yield f"{name}: {connections[company]} connections in Codat"
        if runs.get(name.capitalize(), 0) != 1:
            yield f"{name}: {runs.get(name.capitalize(), 0)} installations"
    yield from (f"a company in Codat that nobody wanted: {tag}" for tag in companies)


def ends_in(ledger: Ledger, whose: Identity, name: str) -> End:
    """What a customer must have come to."""
    script = script_of(name)
    end = ENDS[script]
    seen = ledger.latest(Scope(whose, LinkCustomer.id, name), FactKind.EXTENSION)
    if script.startswith("later_") and seen is None:
        # Nobody looked while it was there: Codat's sync of then is all that there is to see.
        return End("done", frozenset({Verdict.DATA_FLOWS}))
    return end


def check_customers(
    ledger: Ledger, whose: Identity, names: Sequence[str], linked: Path
) -> Iterator[str]:
    """Each has the state that their script must come to, and was watched once in each batch."""
    states = states_in(ledger, whose)
    had_linked = {one["customer"]: datetime.fromisoformat(one["at"]) for one in lines_of(linked)}
    began = [
        one.at for one in ledger.facts(Scope(record.NOBODY, record.STEP), FactKind.BATCH_BEGAN)
    ]
    for name in names:
        who, end = f"{name}, {script_of(name)}", ends_in(ledger, whose, name)
        if (state := states.get(name, "lost")) != end.state:
            yield f"{who}: {state}, not {end.state}"
        facts = ledger.facts(Scope(whose, LinkCustomer.id, name))
        # One that ran out of time has not settled, and is looked at again.
        settled = [
            fact
            for fact in facts
            if fact.kind == FactKind.WATCH_ENDED
            and Verdict(fact.data["verdict"]) not in NOT_SETTLED
        ]
        early = {
            fact.subject
            for fact in facts
            if fact.kind == FactKind.WATCH_BEGAN
            and name in had_linked
            and fact.at < had_linked[name]
        }
        for fact in settled:
            may_be = end.verdicts | ({Verdict.NOT_LINKED} if fact.subject in early else set())
            if fact.data["verdict"] not in may_be:
                yield f"{who}: the verdict {fact.data['verdict']!r} ({fact.data['because']})"
        watches = [fact for fact in facts if fact.kind == FactKind.WATCH_BEGAN]
        in_batch = Counter((fact.kind, bisect(began, fact.at)) for fact in (*watches, *settled))
        for (kind, batch), count in in_batch.items():
            if count > 1:
                yield f"{who}: {count} facts {kind!r} in batch {batch}"
        if len(settled) > len(watches) or (end == End("done") and not settled):
            yield f"{who}: {len(watches)} watches and {len(settled)} verdicts"


def check_batches(ledger: Ledger, names: Sequence[str], journal: Journal) -> Iterator[str]:
    """Each batch was begun once, and in it each customer ended once."""
    runs, kills = len(journal.runs), len(journal.kills)
    began = ledger.facts(Scope(record.NOBODY, record.STEP), FactKind.BATCH_BEGAN)
    # One may be killed in the instant after its end was noted.
    if not runs <= len(began) <= runs + kills:
        yield f"{len(began)} batches were begun for {runs} that came to their end"
    wanted = {WorkItem(ACCOUNT, name).who: 1 for name in names}
    for batch in began:
        facts = ledger.facts(Scope(record.NOBODY, record.STEP), FactKind.BATCH_ITEM, batch.subject)
        ended = Counter(WorkItem(one.data["account"], one.data["customer"]).who for one in facts)
        for who in ended.keys() | wanted.keys():
            if ended[who] != 1:
                yield f"{who} ended {ended[who]} times in the batch {batch.subject}"
        if (
            len(
                ledger.facts(Scope(record.NOBODY, record.STEP), FactKind.BATCH_ENDED, batch.subject)
            )
            != 1
        ):
            yield f"the batch {batch.subject} did not end once"


def check_linked(linked: Path, names: Sequence[str]) -> Iterator[str]:
    """Every customer has had their link."""
    asked = {one["customer"] for one in lines_of(linked)}
    yield from (f"{name} was never given a link" for name in names if name not in asked)


# Putting it together ----------------------------------------------------------------------------


async def _connect(workspace: Workspace, cloud: RehearsalDescription) -> None:
    async with open_context(workspace, workspace.account(ACCOUNT)) as context:
        await connect_some(context, cloud)


def rehearse(root: Path, number: int, rng: random.Random) -> tuple[Workspace, Journal]:
    """Set an account up, let its customers link, and run the batch until nothing changes."""
    faults, linked = root / "faults.json", root / "linked.jsonl"
    faults.write_text("[]", encoding="utf-8")
    linked.touch()
    with cloud(root / "cloud", number, faults) as description:
        workspace = asyncio.run(set_up(root, description, customers_of(number)))
        asyncio.run(_connect(workspace, description))
        faults.write_text(json.dumps(fault_rules(rng, number)), encoding="utf-8")
        side = multiprocessing.get_context("spawn").Process(
            target=play_customers, args=(description, workspace, linked), daemon=True
        )
        side.start()
        instants = sorted(rng.uniform(2.0, 8.0 + SPREAD * number) for _ in range(KILLS))
        journal = drive(workspace, root / "printed.txt", instants, side, faults)
        side.terminate()
        side.join()
    return workspace, journal


def check(
    root: Path, ledger: Ledger, whose: Identity, journal: Journal, names: Sequence[str]
) -> Iterator[str]:
    """All that is wrong."""
    yield from journal.wrong
    if not journal.is_settled:
        yield f"something still changed after {MOST_RUNS} runs"
    printed = (root / "printed.txt").read_text("utf-8")
    if "Traceback" in printed:
        yield f"the batch broke down: {printed[printed.index('Traceback') :][:2000]}"
    yield from check_linked(root / "linked.jsonl", names)
    yield from check_cloud(root / "cloud" / server.STATE_FILE, names)
    yield from check_customers(ledger, whose, names, root / "linked.jsonl")
    yield from check_batches(ledger, names, journal)


def main(root: Path, number: int, seed: int) -> int:
    """Rehearse it in a folder, and print what came of it."""
    print(f"{number} customers, seed {seed}", flush=True)
    workspace, journal = rehearse(root, number, random.Random(seed))
    names = [one.name for one in customers_of(number)]
    whose = workspace.account(ACCOUNT).identity
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        wrong = list(check(root, ledger, whose, journal, names))
        report(number, journal, root / "cloud")
        report_ends(ledger, whose, names)
    for one in wrong[:LISTED]:
        print(f"WRONG: {one}")
    if len(wrong) > LISTED:
        print(f"and {len(wrong) - LISTED} more")
    print(f"nothing done twice, nothing lost: {'no' if wrong else 'yes'}")
    return 1 if wrong else 0


def report(number: int, journal: Journal, directory: Path) -> None:
    """Print the figures."""
    seconds = journal.runs[-1][0] if journal.runs else 0.0
    calls = Counter(one["host"] for one in lines_of(directory / "requests.jsonl"))
    kinds = Counter(one["rule"] % len(FAULTS) for one in lines_of(directory / "faults.log"))
    print(f"customers                     {number:8}")
    print(f"seconds                       {seconds:8.1f}")
    print(f"seconds per customer          {seconds / number:8.3f}")
    print(journal.peaks)
    for host in HOSTS:
        print(f"calls to {host:<36}{calls[host]:8}")
    for rule, fault in enumerate(FAULTS):
        print(f"  {json.dumps(fault):<43}{kinds[rule]:8}")
    print(f"killed                        {len(journal.kills):8} times")
    for kill in journal.kills:
        print(f"  at {kill.at:7.1f} s   {kill.ended:5} ended in that run, {kill.parked:5} parked")
    print(f"came to its end               {len(journal.runs):8} times")
    for at, code in journal.runs:
        print(f"  at {at:7.1f} s   exit code {code}")


def report_ends(ledger: Ledger, whose: Identity, names: Sequence[str]) -> None:
    """Print how many customers of each script ended how."""
    states = states_in(ledger, whose)
    table = Counter(
        (script_of(name), ends_in(ledger, whose, name).state, states.get(name, "lost"))
        for name in names
    )
    print("  script              must be         is            customers")
    for (script, wanted, state), count in sorted(table.items()):
        print(f"  {script:<20}{wanted:<16}{state:<16}{count:7}")


def lines_of(log: Path) -> Iterator[dict[str, Any]]:
    """The lines of one of the stand-in's logs."""
    with log.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("customers", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--keep", type=Path, help="a new folder, to look at afterwards")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--faults", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.customers, given.faults)
        sys.exit(0)
    if given.keep:
        given.keep.mkdir()
        sys.exit(main(given.keep.resolve(), given.customers, given.seed))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder), given.customers, given.seed))
