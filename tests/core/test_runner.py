"""Carrying a step out: a small step whose world, refusals and lost answers the test decides.

The context is no more than what the engine asks for: a ledger, a fast clock, and whose it all is.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bcrunbook.accounts import Identity
from bcrunbook.core.follow import lease_name
from bcrunbook.core.pace import Pace
from bcrunbook.core.runner import chosen_mode, failed_outcome, run_in_context
from bcrunbook.core.step import (
    Change,
    Comparison,
    Finding,
    Findings,
    HandOff,
    Mode,
    OnFollow,
    Outcome,
    Row,
)
from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    NotFound,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.ledger import store as ledger_module
from bcrunbook.ledger.lease import Lease
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact, Ledger, open_ledger

ACCOUNT = "trial"
TRIAL = Identity(ACCOUNT, "rehearsal", "contoso.com")
FAST = Pace(speed=1e5)
A = Change("a", "make a", (Row("a", "not there", "there"),), action="create")
B = Change("b", "make b", action="create")
BY_PERSON = Change("c", "click c", by="person", hand_off=HandOff("an administrator", ("Click.",)))
Script = Callable[["Fake", Change], bool]


@dataclass(frozen=True)
class Looked(Findings):
    """What one look at the fake world saw."""

    missing: tuple[Change, ...]
    unsettled: str = ""

    def rows(self) -> tuple[Finding, ...]:
        """One row for each missing thing."""
        return tuple(
            Finding(one.key, "there", "not there", "the test", Comparison.DIFFERS)
            for one in self.missing
        )


@dataclass
class Fake:
    """A step about a world that is a list of missing things.

    Args:
        missing: what a look shows as missing.
        lag: how many looks a change takes to show.
        unsettled_looks: how many looks find that it is too early to plan.
        script: what a change does beside taking effect; may raise, or say that it was not done.
        looks_fail: raised by every look.
    """

    id: ClassVar[str] = "start_here"
    title: ClassVar[str] = "A fake"
    needs: ClassVar[tuple[str, ...]] = ()
    is_per_customer: ClassVar[bool] = False
    is_about_codat: ClassVar[bool] = False

    missing: list[Change] = field(default_factory=list)
    lag: int = 0
    unsettled_looks: int = 0
    script: Script = lambda fake, change: fake.do(change)
    looks_fail: RunbookError | None = None
    looks: int = 0
    attempts: list[str] = field(default_factory=list)
    _shows_at: dict[Change, int] = field(default_factory=dict)

    def do(self, change: Change) -> bool:
        """The change takes effect, and shows after the lag."""
        self._shows_at[change] = self.looks + self.lag
        return True

    async def examine(self, context: Bare) -> Looked:
        """A look at the world."""
        self.looks += 1
        if self.looks_fail is not None:
            raise self.looks_fail
        self.missing = [
            one for one in self.missing if self._shows_at.get(one, self.looks) >= self.looks
        ]
        early = "something may still appear" if self.looks <= self.unsettled_looks else ""
        return Looked(tuple(self.missing), early)

    def plan(self, findings: Looked) -> tuple[Change, ...]:
        """Make what is missing."""
        return findings.missing

    async def apply(self, context: Bare, findings: Looked, change: Change) -> bool:
        """As the script says."""
        self.attempts.append(change.key)
        return self.script(self, change)

    def hand_off(self, findings: Looked, change: Change, error: RunbookError) -> Change:
        """The same change, by whoever the error names."""
        return replace(change, by="person", hand_off=HandOff(error.who, ("Do it.",)))

    async def follow(self, context: Bare, findings: Looked, on_progress: OnFollow) -> Looked:
        """Nothing is under way."""
        return findings


@dataclass(frozen=True)
class Grown(Looked):
    """What one look at something that grows by itself saw."""

    growing: bool = True

    @property
    def under_way(self) -> str:
        """That it grows."""
        return "it grows" if self.growing else ""


class Growing(Fake):
    """A step that finds something under way."""

    async def examine(self, context: Bare) -> Grown:
        """It grows."""
        return Grown(())

    async def follow(self, context: Bare, findings: Looked, on_progress: OnFollow) -> Grown:
        """It has grown."""
        return Grown((), growing=False)


@dataclass
class Bare:
    """All that the engine asks of whatever a step works with.

    Args:
        ledger: where runs are noted.
        is_followed_elsewhere: whether somebody else stays with what is under way.
        refusal: why nothing may be written, if nothing may.
    """

    ledger: Ledger
    pace: Pace = FAST
    identity: Identity = TRIAL
    customer_name: str | None = None
    is_followed_elsewhere: bool = False
    refusal: FixInput | None = None
    leases: list[str] = field(default_factory=list)

    @contextmanager
    def held(self, lease: Lease) -> Iterator[None]:
        """Notes what was held."""
        self.leases.append(lease.name)
        yield

    def check_required(self, step: str) -> None:
        """Refuses if there is a refusal."""
        if self.refusal is not None:
            raise self.refusal

    def check_unasked(self, step: str) -> None:
        """Nothing here is asked about."""

    def check_still_meant(self) -> None:
        """Refuses if there is a refusal."""
        self.check_required("")


@dataclass
class World:
    """A context, and its ledger."""

    context: Bare
    ledger: Ledger

    @property
    def lease(self) -> str:
        """What whoever writes for the account leases."""
        return lease_name(self.ledger, self.context.identity)

    def facts(self) -> list[Fact]:
        """What the ledger has about the account."""
        return self.ledger.facts(Scope(self.context.identity))

    async def run(self, step: Fake, mode: Mode = Mode.APPLY, **how: Any) -> Outcome:
        """Run the step; no step leaves the ledger's lease behind."""
        outcome = await run_in_context(step, self.context, mode, **how)
        async with self.ledger.lease(self.lease, what="a test"):
            return outcome


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The world of one test."""
    with open_ledger("sqlite:///ledger.db", tmp_path) as ledger:
        yield World(Bare(ledger), ledger)


def keys(outcome: Outcome) -> list[tuple[str, str]]:
    """The changes of an outcome: key and who does it."""
    return [(change.key, change.by) for change in outcome.changes]


def once(error: RunbookError, *, takes_effect: bool = False) -> Script:
    """A change that raises at its first attempt, before or after it took effect."""

    def script(fake: Fake, change: Change) -> bool:
        if fake.attempts.count(change.key) > 1:
            return fake.do(change)
        if takes_effect:
            fake.do(change)
        raise error

    return script


def always(error: RunbookError) -> Script:
    """A change that is refused whenever it is tried."""

    def script(fake: Fake, change: Change) -> bool:
        raise error

    return script


def test_the_engine_stands_alone() -> None:
    """Nothing of a service, a cloud, a sign-in or the steps is read for it."""
    upper = ("cloud", "http", "notebook", "notice", "run", "services", "signin", "steps", "views")
    program = (
        "import sys, bcrunbook.core.runner, bcrunbook.core.follow, bcrunbook.core.stored;"
        f"print([one for one in {upper} if 'bcrunbook.' + one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_nothing_to_do_is_done(world: World) -> None:
    """Everything is as it should be: one look, no lease, nothing recorded but the run."""
    step = Fake()
    outcome = await world.run(step)
    assert (outcome.state, outcome.exit_code, step.looks) == ("done", 0, 1)
    assert world.facts() == []


async def test_what_was_made_is_told_once_it_shows(world: World) -> None:
    """A change that takes three looks to show is waited for and made once."""
    step = Fake([A, B], lag=3)
    outcome = await world.run(step)
    assert (outcome.state, outcome.exit_code) == ("changed", 0)
    assert step.attempts == ["a", "b"]
    assert keys(outcome) == [("a", "program"), ("b", "program")]
    assert outcome.findings == ()


async def test_plan_mode_applies_nothing(world: World) -> None:
    """In plan mode the changes are pending and the world is as it was."""
    step = Fake([A, BY_PERSON])
    outcome = await world.run(step, Mode.PLAN)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("pending", 5, [])
    assert world.facts() == []


async def test_what_may_not_be_written_yet_is_not(world: World) -> None:
    """A refusal of the context ends the step before the lease; without a change it is not asked."""
    world.context.refusal = FixInput("the trial comes first")
    step = Fake([A])
    outcome = await world.run(step)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("failed", 2, [])
    assert world.context.leases == []
    assert (await world.run(Fake())).state == "done"


async def test_what_is_followed_elsewhere_ends_as_waiting(world: World) -> None:
    """Nobody stays with it here, and no lease is taken for that."""
    world.context.is_followed_elsewhere = True
    outcome = await world.run(Growing())
    assert (outcome.state, outcome.exit_code, world.context.leases) == ("waiting", 4, [])
    world.context.is_followed_elsewhere = False
    outcome = await world.run(Growing())
    assert (outcome.state, world.context.leases) == ("done", [world.lease])


@pytest.mark.parametrize("mode", list(Mode))
async def test_what_only_a_person_can_do_needs_a_person(world: World, mode: Mode) -> None:
    """With nothing left for the program, every mode ends with the card for the person."""
    step = Fake([BY_PERSON])
    outcome = await world.run(step, mode)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("needs_person", 3, [])
    assert outcome.hand_offs == (BY_PERSON,)


async def test_the_program_does_its_part_first(world: World) -> None:
    """What the program may do is done although a person has to act as well."""
    outcome = await world.run(Fake([A, BY_PERSON]))
    assert (outcome.state, keys(outcome)) == (
        "needs_person",
        [("a", "program"), ("c", "person")],
    )


async def test_a_refused_change_is_handed_to_whoever_may(world: World) -> None:
    """A refusal for lack of rights turns the change into a card; what was done stays told."""
    refusal = AskAdministrator(
        "no", why="no role", next="ask for it", who="the administrator", code="Z", by_hand=True
    )

    def script(fake: Fake, change: Change) -> bool:
        if change == B:
            raise refusal
        return fake.do(change)

    outcome = await world.run(Fake([A, B], script=script))
    assert (outcome.state, outcome.exit_code) == ("needs_person", 3)
    assert keys(outcome) == [("a", "program"), ("b", "person")]
    assert outcome.hand_offs[0].hand_off == HandOff(
        "the administrator",
        ("Do it.", "Or let the program do it: ask for it."),
        found="No. Why: no role.",
        values=(("Refused with", "Z"),),
    )


async def test_what_nobody_can_do_by_hand_is_no_card_to_do_so(world: World) -> None:
    """A refusal that would meet the person as well says what has to go first, and who can do it."""
    refusal = AskAdministrator("the quota is full", next="delete some", who="whoever owns some")
    outcome = await world.run(Fake([A], script=always(refusal)))
    (change,) = outcome.hand_offs
    assert (outcome.state, outcome.exit_code, change.key) == ("needs_person", 3, "a")
    assert outcome.summary == "A person has to act: let the program make a."
    assert change.hand_off == HandOff(
        "whoever owns some",
        ("Delete some.", "Run this step again."),
        found="The quota is full.",
    )


@pytest.mark.parametrize("error", [FixInput("no"), AskAdministrator("the quota is full")])
async def test_what_comes_after_a_failure_has_no_card(world: World, error: RunbookError) -> None:
    """What cannot be done yet is told, and nobody is sent to do it; what comes before stays."""
    before = replace(BY_PERSON, subject="before")

    def script(fake: Fake, change: Change) -> bool:
        if change == B:
            raise error
        return fake.do(change)

    outcome = await world.run(Fake([before, A, B, BY_PERSON], script=script))
    cards = {(one.key, one.subject) for one in outcome.changes if one.hand_off is not None}
    assert cards - {("b", "")} == {("c", "before")}
    assert ("c", "person") in keys(outcome)


async def test_a_right_that_is_missing_leaves_the_later_cards(world: World) -> None:
    """Whoever does the refused change by hand can go on with what comes after it."""
    error = AskAdministrator("no", by_hand=True)
    outcome = await world.run(Fake([A, BY_PERSON], script=always(error)))
    assert [one.hand_off is not None for one in outcome.hand_offs] == [True, True]


async def test_of_two_alike_only_the_refused_one_is_handed_over(world: World) -> None:
    """Changes with one key and different subjects do not borrow each other's card."""
    first, second = replace(A, subject="1"), replace(A, subject="2")
    outcome = await world.run(Fake([first, second], script=always(AskAdministrator("no"))))
    assert [(one.subject, one.by) for one in outcome.changes] == [("1", "person"), ("2", "program")]


async def test_a_young_state_is_not_planned_on(world: World) -> None:
    """While something may still appear, looking goes on and nothing is tried."""
    step = Fake([A], unsettled_looks=3)
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["a"])
    assert step.looks > 3


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_state_that_does_not_settle_is_waited_for_in_vain(world: World, mode: Mode) -> None:
    """Past the deadline the step ends as waiting, with nothing planned or tried."""
    step = Fake([A], unsettled_looks=10_000)
    outcome = await world.run(step, mode)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("waiting", 4, [])
    assert "may still appear" in outcome.summary


async def test_a_change_that_never_shows_ends_as_waiting(world: World) -> None:
    """What was made and does not show within the deadline is told as such, not made again."""
    step = Fake([A], lag=10_000)
    outcome = await world.run(step)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("waiting", 4, ["a"])
    assert keys(outcome) == [("a", "program")]
    assert "make a" in outcome.summary


async def test_a_change_that_waits_for_another_goes_second(world: World) -> None:
    """A change that says "not yet" is tried again once the first one shows."""

    def script(fake: Fake, change: Change) -> bool:
        return not (change == B and A in fake.missing) and fake.do(change)

    step = Fake([A, B], script=script)
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["a", "b", "b"])


async def test_a_step_that_does_not_converge_ends(world: World) -> None:
    """A change that never gets its turn does not go on for ever."""
    step = Fake([A], script=lambda fake, change: False)
    outcome = await world.run(step)
    assert (outcome.state, outcome.exit_code) == ("waiting", 4)
    assert len(step.attempts) < 20


async def test_a_lost_answer_to_something_done_is_found_out(world: World) -> None:
    """The look shows that it was done: it counts as changed and is not tried again."""
    step = Fake([A, B], script=once(AnswerLost("gone"), takes_effect=True), lag=1)
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["a", "b"])
    assert keys(outcome) == [("a", "program"), ("b", "program")]
    kinds = [fact.kind for fact in world.facts()]
    assert kinds == ["answer_lost", "applied"] * 2


async def test_a_lost_answer_to_something_not_done_is_repaired(world: World) -> None:
    """The looks show that it was not done: it is tried again."""
    step = Fake([A], script=once(AnswerLost("gone")))
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["a", "a"])
    assert keys(outcome) == [("a", "program")]


ERRORS: list[tuple[RunbookError, str, int]] = [
    (FixInput("x"), "failed", 2),
    (NotFound("x"), "failed", 2),
    (SignInAgain("x"), "needs_person", 3),
    (WaitAndRetry("x"), "waiting", 4),
    (Unreachable("x"), "failed", 1),
    (ReportBug("x"), "failed", 1),
]


@pytest.mark.parametrize(("error", "state", "code"), ERRORS, ids=[e[0].kind for e in ERRORS])
async def test_an_error_while_applying_ends_the_step(
    world: World, error: RunbookError, state: str, code: int
) -> None:
    """Each kind of error has its state and exit code; what was done before it is told once."""

    def script(fake: Fake, change: Change) -> bool:
        if change == B:
            raise error
        return fake.do(change)

    outcome = await world.run(Fake([A, B], script=script))
    assert (outcome.state, outcome.exit_code) == (state, code)
    assert outcome.error is not None and outcome.error["kind"] == error.kind
    assert keys(outcome) == [("a", "program"), ("b", "program")]


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [*ERRORS, (AskAdministrator("x"), "needs_person", 3)],
    ids=[*(e[0].kind for e in ERRORS), "ask_administrator"],
)
@pytest.mark.parametrize("mode", list(Mode))
async def test_an_error_while_looking_ends_the_step(
    world: World, error: RunbookError, state: str, code: int, mode: Mode
) -> None:
    """Where nothing could be seen, nothing is planned or tried."""
    step = Fake([A], looks_fail=error)
    outcome = await world.run(step, mode)
    assert (outcome.state, outcome.exit_code, step.attempts) == (state, code, [])
    assert outcome.changes == ()
    begun = failed_outcome(step.id, ACCOUNT, mode.value, "rehearsal", error)
    assert (begun.state, begun.exit_code) == (state, code)


async def test_the_ledger_remembers_how_it_ended(world: World) -> None:
    """The outcome is recorded once, however often it is read."""
    outcome = await world.run(Fake([A]))
    (row,) = world.ledger.outcomes(world.context.identity)
    assert (row.run_id, row.state, row.data["state"]) == (outcome.run_id, "changed", "changed")


class Person:
    """Somebody who is asked, and what they were shown."""

    def __init__(self, *answers: bool) -> None:
        self.answers = iter(answers)
        self.shown: list[list[str]] = []

    async def __call__(self, changes: tuple[Change, ...]) -> bool:
        """The next answer."""
        self.shown.append([change.key for change in changes])
        return next(self.answers)


async def test_nothing_is_applied_without_a_yes(world: World) -> None:
    """Declined, or with nobody to ask, the step ends with a person's turn."""
    for person in (Person(False), None):
        step = Fake([A])
        outcome = await world.run(step, Mode.ASK, approve=person)
        assert (outcome.state, outcome.exit_code, step.attempts) == ("needs_person", 3, [])
        assert "nobody said yes" in outcome.summary


async def test_a_yes_is_asked_for_once_and_covers_what_was_shown(world: World) -> None:
    """The person sees the program's changes, not those of people, and is not asked twice."""
    person = Person(True)
    step = Fake([A, B, BY_PERSON], script=once(AnswerLost("gone")))
    outcome = await world.run(step, Mode.ASK, approve=person)
    assert person.shown == [["a", "b"]]
    assert outcome.state == "needs_person"
    assert {"a", "b"} <= {key for key, _ in keys(outcome)}


async def test_what_appears_after_the_yes_is_asked_about(world: World) -> None:
    """A change that only shows after the first one was made needs a yes of its own."""

    def script(fake: Fake, change: Change) -> bool:
        if change == A:
            fake.missing.append(B)
        return fake.do(change)

    person = Person(True, False)
    step = Fake([A], script=script)
    outcome = await world.run(step, Mode.ASK, approve=person)
    assert person.shown == [["a"], ["b"]]
    assert (outcome.state, step.attempts) == ("needs_person", ["a"])
    assert keys(outcome) == [("a", "program"), ("b", "program")]


async def test_the_world_may_change_while_a_person_thinks(world: World) -> None:
    """After the click it is looked again: what somebody did meanwhile is not done once more."""
    step = Fake([A, B])

    async def slowly(changes: tuple[Change, ...]) -> bool:
        step.missing.remove(A)
        return True

    outcome = await world.run(step, Mode.ASK, approve=slowly)
    assert (outcome.state, step.attempts) == ("changed", ["b"])


async def test_another_runner_at_work_is_waited_for(world: World) -> None:
    """While somebody else holds the account, nothing is written and the outcome says who."""
    step = Fake([A])
    async with world.ledger.lease(world.lease, what="step client_secret"):
        outcome = await run_in_context(step, world.context, Mode.APPLY)
    assert (outcome.state, outcome.exit_code, step.attempts) == ("waiting", 4, [])
    assert "step client_secret" in outcome.summary


async def test_looking_needs_no_lease(world: World) -> None:
    """Plan mode, and a step with nothing to do, go on beside another runner."""
    async with world.ledger.lease(world.lease, what="another"):
        assert (await run_in_context(Fake([A]), world.context, Mode.PLAN)).state == "pending"
        assert (await run_in_context(Fake(), world.context, Mode.APPLY)).state == "done"


class Overtaken(Fake):
    """A step whose first look is followed by another run that does everything."""

    def __init__(
        self,
        world: World,
        missing: list[Change],
        *,
        leaves_unsettled: int = 0,
        behind: timedelta = timedelta(0),
    ) -> None:
        super().__init__(missing)
        self._world = world
        self._leaves_unsettled = leaves_unsettled
        self._behind = behind

    async def examine(self, context: Bare) -> Looked:
        """A look; after the first one, the other run."""
        seen = await super().examine(context)
        if self.looks == 1:
            with pytest.MonkeyPatch.context() as clock:
                behind = datetime.now(UTC) - self._behind
                clock.setattr(ledger_module.Ledger, "now", lambda _: behind)
                self._world.ledger.record(
                    Scope(context.identity, self.id), "applied", "a", "done", {}
                )
            self.unsettled_looks = 1 + self._leaves_unsettled
            if self._leaves_unsettled == 0:
                self.missing.remove(A)
        elif self.looks == 1 + self._leaves_unsettled:
            self.missing.remove(A)
        return seen


@pytest.mark.parametrize("hours", [0, 1])
async def test_another_run_in_between_is_noticed(world: World, hours: int) -> None:
    """What another run did between the look and the lease is not done again.

    Nor when it ran on a machine whose clock is behind.
    """
    step = Overtaken(world, [A, B], behind=timedelta(hours=hours))
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["b"])


async def test_another_run_in_between_is_given_time_to_show(world: World) -> None:
    """What another run did moments ago may not show yet: nothing is planned before it does."""
    step = Overtaken(world, [A, B], leaves_unsettled=3)
    outcome = await world.run(step)
    assert (outcome.state, step.attempts) == ("changed", ["b"])


async def test_a_run_that_is_cancelled_gives_the_lease_back(world: World) -> None:
    """Stopped in the middle of a change, the account is free for the next run."""
    begun = asyncio.Event()

    class Endless(Fake):
        async def apply(self, context: Bare, findings: Looked, change: Change) -> bool:
            begun.set()
            await asyncio.Event().wait()
            return True

    task = asyncio.create_task(run_in_context(Endless([A]), world.context, Mode.APPLY))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await world.run(Fake([A]))).state == "changed"


@pytest.mark.parametrize(
    ("mode", "live", "answered", "means"),
    [
        ("auto", True, False, Mode.PLAN),
        ("auto", False, False, Mode.APPLY),
        ("auto", True, True, Mode.ASK),
        ("auto", False, True, Mode.ASK),
        ("plan", True, True, Mode.PLAN),
        ("apply", True, False, Mode.APPLY),
        ("ask", True, True, Mode.ASK),
    ],
)
def test_what_a_mode_means(mode: str, live: bool, answered: bool, means: Mode) -> None:
    """Left alone in a live cloud nothing is written; somebody who can click is asked."""
    assert chosen_mode(mode, live=live, answered=answered) is means


def test_asking_nobody_is_wrong_use() -> None:
    """Headless, `ask` is refused before anything is done."""
    with pytest.raises(FixInput) as caught:
        chosen_mode("ask", live=True, answered=False)
    assert "plan or apply" in caught.value.next


# --- a person who is there ------------------------------------------------------------------------

CONFIRMED = replace(
    BY_PERSON, subject="s1", hand_off=HandOff("Ada", ("Click.",), confirmation="I have clicked")
)
WATCHED = replace(BY_PERSON, hand_off=HandOff("Ada", ("Click.",), is_watched=True))


@dataclass
class Somebody:
    """A person who is there: what they say, and what they do while the step waits.

    Args:
        name: who says that it is done; empty when nobody does.
        acts_at: after which wait the change is made; 0 never.
        leaves_at: after which wait they want to wait no more; 0 never.
    """

    step: Fake
    name: str = "Ada"
    acts_at: int = 0
    leaves_at: int = 0
    waits: list[float] = field(default_factory=list)
    has_left: bool = False

    async def confirm(self, change: Change) -> str:
        """Says so, after doing it."""
        if self.name:
            self.step.do(change)
        return self.name

    async def wait(self, change: Change, seconds: float) -> bool:
        """Does it, or goes away, while time passes."""
        self.waits.append(seconds)
        if len(self.waits) == self.acts_at:
            self.step.do(change)
        return len(self.waits) != self.leaves_at

    async def ended(self, change: Change) -> bool:
        """Does not keep waiting."""
        return False

    def leave(self) -> None:
        """They know by now that nobody waits for them."""
        self.has_left = True


async def test_what_a_person_says_is_kept_as_their_word(world: World) -> None:
    """Who, when and about what stand in the ledger, apart from what was seen; then it is done."""
    step = Fake([CONFIRMED])
    outcome = await world.run(step, Mode.ASK, operator=Somebody(step))
    assert (outcome.state, keys(outcome)) == ("done", [])
    (fact,) = [fact for fact in world.facts() if fact.basis == "said"]
    assert (fact.kind, fact.subject, fact.said_by) == ("c", "s1", "Ada")
    assert fact.data["said"] == "I have clicked"


async def test_a_person_who_would_rather_not_is_left_alone(world: World) -> None:
    """Nothing is noted, and the step still needs a person."""
    step = Fake([CONFIRMED])
    outcome = await world.run(step, Mode.ASK, operator=Somebody(step, name=""))
    assert outcome.state == "needs_person"
    assert [fact for fact in world.facts() if fact.basis == "said"] == []


async def test_what_a_look_can_show_is_waited_for(world: World) -> None:
    """It looks again after each wait, and goes on as soon as it shows."""
    step = Fake([WATCHED])
    lines: list[str] = []
    person = Somebody(step, acts_at=3)
    outcome = await world.run(step, Mode.ASK, operator=person, on_progress=lines.append)
    assert outcome.state == "done"
    assert (len(person.waits), step.looks) == (3, 4)
    assert person.has_left
    assert lines[-1].startswith("Seen")


async def test_waiting_keeps_to_its_budget(world: World) -> None:
    """Ten minutes, fewer than 30 looks; then the step needs a person."""
    step = Fake([WATCHED])
    lines: list[str] = []
    person = Somebody(step)
    outcome = await world.run(step, Mode.ASK, operator=person, on_progress=lines.append)
    assert outcome.state == "needs_person"
    assert 500 < sum(person.waits) <= 600
    assert step.looks <= 30
    assert lines[-1].startswith("Waiting for ")


async def test_a_wait_can_be_ended(world: World) -> None:
    """Whoever stops waiting gets the outcome at once."""
    step = Fake([WATCHED])
    person = Somebody(step, leaves_at=2)
    outcome = await world.run(step, Mode.APPLY, operator=person)
    assert (outcome.state, len(person.waits)) == ("needs_person", 2)
    assert person.has_left


@pytest.mark.parametrize("change", [CONFIRMED, WATCHED])
async def test_without_a_person_nothing_waits(world: World, change: Change) -> None:
    """A headless run looks once and ends."""
    step = Fake([change])
    outcome = await world.run(step, Mode.APPLY)
    assert (outcome.state, step.looks) == ("needs_person", 1)


async def test_plan_mode_waits_for_nobody(world: World) -> None:
    """Not even with a person there."""
    step = Fake([CONFIRMED])
    outcome = await world.run(step, Mode.PLAN, operator=Somebody(step))
    assert outcome.state == "needs_person"
    assert world.facts() == []
