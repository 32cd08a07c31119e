"""Linking a customer, against the rehearsal cloud: every way an installation goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bcrunbook.accounts import Customer, Workspace
from bcrunbook.core.follow import lease_name
from bcrunbook.core.pace import Pace
from bcrunbook.core.runner import StepRunner
from bcrunbook.core.step import Film, Mode, Outcome, State
from bcrunbook.hosts import CODAT_HOST
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CODAT_KEYS, LINK_CUSTOMER, ref
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_name, codat_of, tag_of
from bcrunbook.steps.link_customer.installation.log import WatchLog
from bcrunbook.steps.link_customer.installation.verdict import BUDGET
from bcrunbook.steps.link_customer.installation.watch import FIRST
from bcrunbook.steps.opening import open_context
from tests.conftest import requests_of
from tests.support.clock import pace_of
from tests.support.linking import SCRIPTS, lab_customer, link, run_link_customer, set_up
from tests.support.portal import row


@dataclass(frozen=True)
class BrokenOff(Pace):
    """A pace at which the task that waits is cancelled when it sleeps between two looks again."""

    sleeps: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Wait as usual, and no third time for what lies between two looks."""
        if seconds >= FIRST / 2:
            self.sleeps.append(seconds)
        if len(self.sleeps) == 3:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        await super().sleep(seconds)


@dataclass(frozen=True)
class Asleep(Pace):
    """A pace at which whoever sleeps between two looks does not wake up by themselves."""

    sleeps: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        """Wait as usual for less than what lies between two looks; for that, for good."""
        if seconds < FIRST / 2:
            return await super().sleep(seconds)
        self.sleeps.set()
        await asyncio.Event().wait()


@pytest.fixture(scope="module")
def own_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own: an environment links once."""
    with launch(tmp_path_factory.mktemp("lab") / "cloud", skips=True, lags="worst") as running:
        yield running


@pytest.fixture(scope="module")
def workspace(own_cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with a customer for each script."""
    customers = [lab_customer(name, environment) for name, environment in SCRIPTS.items()]
    return asyncio.run(set_up(Path(own_cloud.directory).parent, own_cloud, customers))


@pytest.fixture(scope="module")
def story(
    own_cloud: RehearsalDescription, workspace: Workspace
) -> dict[str, tuple[Outcome, str, Outcome]]:
    """For each customer: the outcome before linking, what the page said, the outcome after."""

    async def play() -> dict[str, tuple[Outcome, str, Outcome]]:
        async with open_context(workspace, workspace.account("trial")) as context:

            async def one(name: str) -> tuple[Outcome, str, Outcome]:
                before = await run_link_customer(context, name)
                return (
                    before,
                    await link(context, own_cloud, name),
                    await run_link_customer(context, name),
                )

            stories = await asyncio.gather(*(one(name) for name in SCRIPTS))
        return dict(zip(SCRIPTS, stories, strict=True))

    return asyncio.run(play())


@pytest.mark.parametrize("name", SCRIPTS)
def test_before_linking_a_person_is_needed(
    story: dict[str, tuple[Outcome, str, Outcome]], name: str
) -> None:
    """Company and connection are made; the customer's part is handed over, without the link.

    contract C8.18 and C11.1
    """
    before, _, _ = story[name]
    assert before.state is State.NEEDS_PERSON
    made = [change.key for change in before.changes if change.by == "program"]
    assert made == ["company", "connection"]
    (change,) = before.hand_offs
    assert change.hand_off is not None
    assert f"bcrunbook link trial {name}" in " ".join(change.hand_off.actions)
    assert "link-api.codat.io" not in str(before.as_dict())


@pytest.mark.parametrize(
    ("name", "state", "verdict"),
    [
        ("normal", State.DONE, "installed"),
        ("slow", State.DONE, "installed"),
        ("fetch-errors", State.DONE, "installed"),
        ("deployment-failed", State.DONE, "installed"),
        ("later-uninstalled", State.DONE, "installed"),
        ("later-unpublished", State.DONE, "installed"),
        ("upgrading", State.DONE, "installed"),
        ("renamed", State.DONE, "installed"),
        ("licence-missing", State.NEEDS_PERSON, "the last attempt to link failed"),
        ("never-finishes", State.WAITING, "unconfirmed"),
    ],
)
def test_each_installation_ends_in_its_verdict(
    story: dict[str, tuple[Outcome, str, Outcome]], name: str, state: State, verdict: str
) -> None:
    """No false failure, no false success (contract B4.10, B4.15, B8.9, B14.3, C11.7 and C11.8)."""
    _, page, after = story[name]
    actual = row(after, "Verdict").actual
    assert actual.startswith(verdict), (actual, page, after.summary)
    assert after.state is state, (after.summary, actual)


def test_a_refused_installation_says_which_permission_set(
    story: dict[str, tuple[Outcome, str, Outcome]],
) -> None:
    """Codat's error is shown verbatim, with what to do about it.

    contract B10.3, C11.11 and C12.11
    """
    _, _, after = story["licence-missing"]
    error = row(after, "Error of the connection")
    assert "EXTEN. MGT. - ADMIN" in error.actual
    assert "permission set" in error.advice


async def test_a_second_run_makes_nothing_twice(
    own_cloud: RehearsalDescription,
    workspace: Workspace,
    story: dict[str, tuple[Outcome, str, Outcome]],
) -> None:
    """One company and one connection for each customer, whatever ran how often.

    contract C7.4, C8.10 and C8.11
    """
    async with open_context(workspace, workspace.account("trial")) as context:
        outcome = await run_link_customer(context, "normal")
        assert outcome.state is State.DONE, outcome.summary
        assert not outcome.changes
        codat = codat_of(context)
        for customer in context.account.customers.values():
            (company,) = await codat.companies({TAG: tag_of(context.account, customer)})
            assert len(await codat.connections(company.id)) == 1


async def test_what_was_removed_later_is_told_apart(
    own_cloud: RehearsalDescription,
    workspace: Workspace,
    story: dict[str, tuple[Outcome, str, Outcome]],
) -> None:
    """By the memory of what was seen installed: uninstalled and unpublished, not never there.

    contract B7.8, B15.4 and B15.5
    """
    async with open_context(workspace, workspace.account("trial")) as context:
        for name, verdict in (
            ("later-uninstalled", "uninstalled"),
            ("later-unpublished", "unpublished"),
        ):
            while True:
                outcome = await run_link_customer(context, name, Mode.PLAN)
                if outcome.state is State.NEEDS_PERSON:
                    break
                await context.cloud.pace.sleep(30)
            assert row(outcome, "Verdict").actual.startswith(verdict)
            assert outcome.state is State.NEEDS_PERSON


def test_the_polls_are_in_the_ledger(
    workspace: Workspace, story: dict[str, tuple[Outcome, str, Outcome]]
) -> None:
    """Every look is kept, in order, from the beginning of the watch to its verdict.

    contract B14.10
    """
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        facts = ledger.facts(Scope(workspace.account("trial").identity, "link_customer", "slow"))
    kinds = [fact.kind for fact in facts if fact.kind in ("watch", "poll", "verdict")]
    first = kinds.index("watch")
    assert kinds[first + 1] == "poll"
    assert kinds.index("verdict") > first + 10
    elapsed = [fact.data["elapsed"] for fact in facts if fact.kind == "poll"]
    assert elapsed == sorted(elapsed)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Müller & Söhne (GmbH) [1] <b>", "Muller & Sohne GmbH 1 b"),
        ("Mu\u0308ller", "Muller"),
        ("Łódź Straße Ærø", "Lodz Strasse AEro"),
        ("Ada\N{RIGHT SINGLE QUOTATION MARK}s \N{EN DASH} Café", "Ada's - Cafe"),
        ("Snake_case: 1/2", "Snakecase 12"),
        ("東京商事", "the-key"),
        ("東京商事 Ltd", "the-key"),
        ("[]", "the-key"),
    ],
)
def test_a_name_is_sent_as_codat_keeps_it(name: str, sent: str) -> None:
    """ASCII letters stay, those with marks lose them; too little left, and the key stands for it.

    contract C7.5, C7.6 and C7.7
    """
    customer = Customer(name="the-key", display_name=name, contact="ada@contoso.com")
    assert codat_name(customer) == sent


async def test_the_wrong_pair_of_keys_is_found_at_the_first_link(tmp_path: Path) -> None:
    """Entra's refusal is explained, pointing back to the step that saves the keys.

    contract G21.36, C12.5 and C12.11
    """
    with launch(tmp_path / "rehearsal" / "cloud", skips=True, lags="worst") as own_cloud:
        workspace = await set_up(
            tmp_path / "rehearsal",
            own_cloud,
            [lab_customer("first", "Normal")],
            secret="not-the-secret-that-was-made",
        )
        async with open_context(workspace, workspace.account("trial")) as context:
            await run_link_customer(context, "first")
            await link(context, own_cloud, "first")
            outcome = await run_link_customer(context, "first")
    assert outcome.state is State.NEEDS_PERSON
    error = row(outcome, "Error of the connection")
    assert "AADSTS7000215" in error.actual
    assert ref(CODAT_KEYS) in error.advice
    assert ref(CODAT_KEYS) in outcome.hand_offs[0].hand_off.found  # type: ignore[union-attr]


async def test_a_sync_that_codat_refuses_ends_no_watch(tmp_path: Path) -> None:
    """It is asked for once Codat is Linked, and looked on whatever it says.

    contract C9.5 and C9.6
    """
    on_its_way = {"statusCode": 400, "error": "DatasetAlreadyInProgressException: company"}
    queued = {"host": "api.codat.io", "method": "POST", "path": "/data/queue/"}
    rules = tmp_path / "faults.json"
    rules.write_text(json.dumps([{**queued, "status": 400, "body": on_its_way}]), "utf-8")
    folder = tmp_path / "rehearsal"
    with launch(folder / "cloud", speed=240, lags="worst", faults=rules) as own_cloud:

        def asked() -> int:
            return sum("/data/queue/" in one["path"] for one in requests_of(own_cloud, CODAT_HOST))

        customers = [lab_customer("refused", "FetchErrors")]
        workspace = await set_up(folder, own_cloud, customers)
        async with open_context(workspace, workspace.account("trial")) as context:
            await run_link_customer(context, "refused")
            assert asked() == 0
            await link(context, own_cloud, "refused")
            outcome = await run_link_customer(context, "refused")
        assert asked() > 0
    assert outcome.state is State.DONE, outcome.summary
    assert row(outcome, "Verdict").actual.startswith("installed")


async def test_a_watch_that_is_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """Broken off again and again: one watch, one log in order, one company, the same verdict.

    contract B14.10
    """
    with launch(tmp_path / "rehearsal" / "cloud", skips=True, lags="worst") as own_cloud:
        customers = [lab_customer("patient", "FetchErrors")]
        workspace = await set_up(tmp_path / "rehearsal", own_cloud, customers)
        account = workspace.account("trial")
        async with open_context(workspace, account) as context:
            await run_link_customer(context, "patient")
            await link(context, own_cloud, "patient")
        for _ in range(4):
            async with open_context(workspace, account) as context:
                pace = BrokenOff(clock=context.cloud.pace.clock)
                ending = replace(context, cloud=replace(context.cloud, pace=pace))
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.create_task(run_link_customer(ending, "patient"))
        async with open_context(workspace, account) as context:
            outcome = await run_link_customer(context, "patient")
            codat = codat_of(context)
            tag = {TAG: tag_of(account, account.customers["patient"])}
            (company,) = await codat.companies(tag)
            assert len(await codat.connections(company.id)) == 1
            facts = context.ledger.facts(Scope(context.identity, "link_customer", "patient"))
    assert outcome.state is State.DONE, outcome.summary
    kinds = [fact.kind for fact in facts]
    assert (kinds.count("watch"), kinds.count("verdict")) == (1, 1)
    elapsed = [fact.data["elapsed"] for fact in facts if fact.kind == "poll"]
    assert elapsed == sorted(elapsed)
    assert len(elapsed) > 10


async def test_a_watch_that_is_stopped_ends_at_once_and_lets_others_go_on(tmp_path: Path) -> None:
    """It is stopped while it sleeps for a minute: nothing is held, and what was seen is kept.

    contract B14.1
    """
    films: list[Film] = []
    with launch(tmp_path / "rehearsal" / "cloud", skips=True, lags="worst") as own_cloud:
        customers = [lab_customer("patient", "Normal")]
        workspace = await set_up(tmp_path / "rehearsal", own_cloud, customers)
        account = workspace.account("trial")
        async with open_context(workspace, account) as context:
            await run_link_customer(context, "patient")
            await link(context, own_cloud, "patient")
            theirs = replace(context, customer=account.customers["patient"])
            # Until it is stopped, nothing but the stop can end its sleep.
            pace = Asleep(clock=theirs.cloud.pace.clock)
            asleep = replace(theirs, cloud=replace(theirs.cloud, pace=pace))
            runner = StepRunner(step_named(LINK_CUSTOMER), asleep, Mode.APPLY)
            runner.on_film = films.append
            await runner.examine()
            runner.plan()
            task = asyncio.create_task(runner.apply())
            await asyncio.wait_for(pace.sleeps.wait(), timeout=60)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, timeout=5)
            name = lease_name(context.ledger, context.identity, "patient")
            async with context.ledger.lease(name, what="a test"):
                pass
            outcome = await run_link_customer(context, "patient")
            facts = context.ledger.facts(Scope(context.identity, "link_customer", "patient"))
    assert outcome.state is State.DONE, outcome.summary
    kinds = [fact.kind for fact in facts]
    assert (kinds.count("watch"), kinds.count("verdict")) == (1, 1)
    (film,) = films
    assert film.next_look is not None and 0 < film.next_look <= 36
    assert film.stages[1].state == "now"
    assert outcome.timeline[: len(film.sightings)] == film.sightings


async def test_a_watch_that_nobody_stayed_with_is_brought_to_its_end(tmp_path: Path) -> None:
    """It was begun more than its time ago: what is seen once is still looked at a second time."""
    with launch(tmp_path / "rehearsal" / "cloud", skips=True, lags="worst") as own_cloud:
        workspace = await set_up(
            tmp_path / "rehearsal", own_cloud, [lab_customer("late", "Normal")]
        )
        async with open_context(workspace, workspace.account("trial")) as context:
            await run_link_customer(context, "late")
            await link(context, own_cloud, "late")
            codat = codat_of(context)
            customer = context.account.customers["late"]
            (company,) = await codat.companies({TAG: tag_of(context.account, customer)})
            (connection,) = await codat.connections(company.id)
            WatchLog(replace(context, customer=customer), connection.id).begin()
            await pace_of(own_cloud).sleep(BUDGET + 1500)
            outcome = await run_link_customer(context, "late")
            facts = context.ledger.facts(Scope(context.identity, "link_customer", "late"))
    assert outcome.state is State.DONE, outcome.summary
    kinds = [fact.kind for fact in facts]
    assert (kinds.count("watch"), kinds.count("verdict")) == (1, 1)
