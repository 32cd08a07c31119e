"""Carries a step out: examine, plan, apply, settle, outcome; the same in every mode.

Invariants. In plan mode nothing is written but the ledger's note of the run. In ask mode nothing is
applied that the person has not seen. One runner per account writes at a time (a lease in the
ledger). Nothing is planned on a state that may still change by itself, and a change counts as done
only when a look afterwards shows it. An error that a person can act on becomes part of the outcome
instead of travelling on as an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Generic, Literal, Protocol

from bcrunbook.core.backoff import Backoff
from bcrunbook.core.confirmations import confirm
from bcrunbook.core.follow import lease, remember
from bcrunbook.core.hand_off import refused, saying
from bcrunbook.core.step import (
    PASSED,
    C,
    Change,
    Comparison,
    F,
    Film,
    Finding,
    FollowProgress,
    Mode,
    Outcome,
    State,
    Step,
)
from bcrunbook.core.stored import latest_outcome
from bcrunbook.core.written import collecting
from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    RunbookError,
    WaitAndRetry,
)
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.skipped import dates

# After a write, look again after 2 s, then with growing pauses, up to four minutes.
SETTLING: Final = Backoff(first=2.0, longest=20.0, deadline=240.0)
# A step needs few rounds (make, then fix what the look showed); more means it does not converge.
_ROUNDS: Final = 6
_LOOKS_AFTER_A_LOST_ANSWER: Final = 3

# How often to look whether a person has done their part: at most 21 looks in ten minutes, of one
# call each, so that an instance with 1,000 calls a day keeps nearly all of them.
WATCHING: Final = Backoff(first=5.0, longest=30.0, deadline=600.0)

Approve = Callable[[tuple[Change, ...]], Awaitable[bool]]
OnProgress = Callable[[str], None]
OnChange = Callable[[Change, Literal["running", "done", "failed"]], None]
OnFilm = Callable[[Film], None]


class Operator(Protocol):
    """Somebody who is there while the step runs; absent in a headless run."""

    async def confirm(self, change: Change) -> str:
        """Wait until the person says that they have done `change`.

        Returns:
            Who says so; empty when they would rather not.
        """

    async def wait(self, change: Change, seconds: float) -> bool:
        """Let some time pass while the person does `change`.

        Args:
            change: what the person does meanwhile.
            seconds: how long, in real seconds: a rehearsal hurries services, never people.

        Returns:
            Whether to go on waiting.
        """

    async def ended(self, change: Change) -> bool:
        """The time for `change` is over, and it was not seen.

        Returns:
            Whether the person wants to go on waiting.
        """

    def leave(self) -> None:
        """Nothing is waited for any more."""


def _silent(_: str) -> None:
    """The default for `on_progress`: nobody listens."""


def _unseen(_: Change, __: str) -> None:
    """The default for `on_change`: nobody looks."""


def _unwatched(_: Film) -> None:
    """The default for `on_film`: nobody looks."""


class StepRunner(Generic[C, F]):
    """One run of one step. Call examine, plan, apply, then read `outcome`.

    Args:
        step: the step.
        context: what it works with.
        mode: how far it may go.
        on_progress: called with a short sentence at each thing worth showing.

    Attributes:
        on_change: called when a change is begun, and when it is done or refused.
        on_film: called with a picture of what is followed, at each look.
    """

    def __init__(
        self, step: Step[C, F], context: C, mode: Mode, *, on_progress: OnProgress = _silent
    ) -> None:
        self.step = step
        self.context = context
        self.mode = mode
        self.findings: F | None = None
        self.changes: tuple[Change, ...] = ()
        self.applied: list[Change] = []
        self.error: RunbookError | None = None
        self.on_progress = on_progress
        self.on_change: OnChange = _unseen
        self.on_film: OnFilm = _unwatched
        self._started = dates.now()
        self._newest: int | None = None
        self._finished = False
        self._waiting_for = ""
        self._declined = False
        self._at_work_on: Change | None = None
        self._approve: Approve | None = None
        self._approved: frozenset[Change] = frozenset()
        whose = context.identity
        self._whose = whose if step.is_about_codat else whose.apart_from_codat
        self._scope = Scope(self._whose, step.id, context.customer_name)
        self._run_id = context.ledger.begin_run(self._scope, mode.value)

    async def examine(self) -> tuple[Finding, ...]:
        """Read what is there, until it is not about to change by itself."""
        async with self._holding_errors():
            await self._look_until_settled()
        return self.rows

    def plan(self) -> tuple[Change, ...]:
        """What would have to be done."""
        if self.findings is not None and self.error is None and not self._waiting_for:
            self.changes = self.step.plan(self.findings)
        return self.changes

    async def apply(
        self, approve: Approve | None = None, operator: Operator | None = None
    ) -> tuple[Change, ...]:
        """Do what the mode allows, and look again until it shows.

        Args:
            approve: asked in `ask` mode, with what the program would do; awaits the answer. Asked
                again when a later look shows that more, or something else, would be done.
            operator: who does a person's part meanwhile; without one nobody is waited for.

        Returns:
            The changes that were made.
        """
        mine = self._mine()
        if self.error or self._waiting_for or self.mode is Mode.PLAN:
            return ()
        self._approve = approve
        async with self._holding_errors():
            await self._do(mine)
            if operator is not None and not self._waiting_for and not self._declined:
                before = self._mine()
                await self._attend(operator)
                # What the person has done may have been in the way of something.
                if not self._waiting_for:
                    await self._do(tuple(one for one in self._mine() if one not in before))
            if not self._waiting_for and not self._declined:
                await self._follow()
        return tuple(self.applied)

    async def _do(self, mine: tuple[Change, ...]) -> None:
        """Do the program's changes, if the account may be written to and the person agrees."""
        if not mine:
            return
        self.context.check_required(self.step.id)
        if self.mode is not Mode.ASK:
            self.context.check_unasked(self.step.id)
        if await self._may(mine):
            async with self._alone():
                await self._rounds()

    def stop(self) -> None:
        """Whoever is there has stopped `apply`, which was cancelled: what it comes to then."""
        if self._at_work_on is not None:
            self.error = WaitAndRetry(
                f"It was stopped while it was about to {self._at_work_on.title}.",
                why="whether that was done was not waited for",
                next="run this step again: it looks at what is there, and does what is missing",
            )
        elif self.applied and self._mine():
            self._waiting_for = "it was stopped before all that was done could be seen"
        elif self.findings is not None and self.findings.under_way:
            self._waiting_for = self.findings.under_way
        elif self._mine():
            self._declined = True

    @property
    def is_finished(self) -> bool:
        """Whether the outcome has been written: what is asked for after that is another run."""
        return self._finished

    @property
    def rows(self) -> tuple[Finding, ...]:
        """What was found last."""
        return self.findings.rows() if self.findings is not None else ()

    @property
    def nothing_to_change(self) -> str:
        """What it comes to when nothing has to be changed: well, as far as it could be seen."""
        unseen = [row.name for row in self.rows if row.verdict is Comparison.UNKNOWN]
        if unseen:
            return f"0 to change. Not known: {'; '.join(unseen)}."
        return "0 to change: everything is as it should be."

    @property
    def outcome(self) -> Outcome:
        """How it ended; written into the ledger the first time it is read."""
        state, now = self._state(), dates.now()
        outcome = Outcome(
            step=self.step.id,
            account=self.context.identity.account,
            state=state,
            mode=self.mode.value,
            cloud=self.context.identity.cloud,
            summary=self._summary(state),
            findings=self.rows,
            # An error leaves the plan as it was: what was done by then stands there once.
            changes=(*self.applied, *(one for one in self.changes if one not in self.applied)),
            error=self.error.as_dict() if self.error else None,
            started=self._started,
            ended=now,
            since=self._since(state, now),
            run_id=self._run_id,
            customer=self.context.customer_name or "",
            timeline=self.findings.timeline if self.findings is not None else (),
        )
        if not self._finished:
            self._finished = True
            ledger = self.context.ledger
            if self.mode is not Mode.PLAN:
                remember(self.step, self.context, self.findings, self._run_id)
            ledger.end_run(self._run_id, state.value)
            ledger.record_outcome(self._run_id, self._scope, state.value, outcome.as_dict())
        return outcome

    def _since(self, state: State, now: datetime) -> datetime:
        """Since when the step has ended this way; what changed and what was there are both well."""
        before = latest_outcome(self.context.ledger, self._scope)
        if before is None:
            return now
        earlier = before.outcome
        if earlier.state != state and not {earlier.state, state} <= PASSED:
            return now
        return earlier.since or before.at

    def _mine(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.by == "program")

    async def _look(self) -> F:
        self._newest = self._newest_fact()
        return await self.step.examine(self.context)

    def _newest_fact(self) -> int | None:
        """Tells whether anything was noted since: by its number, as clocks of machines differ."""
        context = self.context
        newest = context.ledger.latest(Scope(context.identity, customer=context.customer_name))
        return newest.id if newest is not None else None

    async def _look_until_settled(self) -> None:
        self.findings = await self._look()
        pauses = iter(SETTLING.pauses())
        while self.findings.unsettled:
            self.on_progress(self.findings.unsettled)
            pause = next(pauses, None)
            if pause is None:
                self._waiting_for = self.findings.unsettled
                return
            await self.context.pace.sleep(pause)
            self.findings = await self._look()

    async def _may(self, mine: tuple[Change, ...]) -> bool:
        """Whether the person agrees, asked about each change once."""
        if self.mode is not Mode.ASK or self._approved.issuperset(mine):
            return True
        if self._approve is None or not await self._approve(mine):
            self._declined = True
            return False
        self._approved |= set(mine)
        return True

    async def _rounds(self) -> None:
        for _ in range(_ROUNDS):
            mine = self._mine()
            if self._waiting_for or not mine or not await self._may(mine):
                return
            tried, lost, refused = await self._apply_all(mine)
            if tried or lost:
                await self._settle([*tried, *lost], patient=not lost)
            for change in lost:
                if not self._waiting_for and _name(change) not in map(_name, self._mine()):
                    # The answer was lost, the change was not: the look shows it.
                    self._note(FactKind.APPLIED, change, change.title, {})
                    self.on_change(change, "done")
                    self.applied.append(change)
            if refused:
                self.changes = tuple(refused.get(_name(change), change) for change in self.changes)
                return
        self._waiting_for = "the changes do not show after several tries"

    async def _apply_all(
        self, changes: tuple[Change, ...]
    ) -> tuple[list[Change], list[Change], dict[tuple[str, str], Change]]:
        """Apply in order. Returns what was done, whose answer was lost, what was refused."""
        assert self.findings is not None
        tried: list[Change] = []
        for change in changes:
            self.on_progress(change.title)
            self.on_change(change, "running")
            self._at_work_on = change
            try:
                with collecting() as written:
                    done = await self.step.apply(self.context, self.findings, change)
            except AnswerLost as error:
                self.on_progress(f"No answer came to: {change.title}. Looking whether it was done.")
                self._at_work_on = None
                if error.request_id not in ("", *written.request_ids):
                    written.request_ids.append(error.request_id)
                self._note(FactKind.ANSWER_LOST, change, error.what, written.as_dict())
                return tried, [change], {}
            except AskAdministrator as error:
                self._at_work_on = None
                self.on_change(change, "failed")
                if error.by_hand:
                    handed = self.step.hand_off(self.findings, change, error)
                    return tried, [], {_name(change): saying(handed, error)}
                then = _without_cards(self._after(change))
                return tried, [], {_name(change): saying(refused(change, error), error), **then}
            except RunbookError:
                then = _without_cards(self._after(change))
                self.changes = tuple(then.get(_name(one), one) for one in self.changes)
                raise
            self._at_work_on = None
            if done:
                self._note(FactKind.APPLIED, change, change.title, written.as_dict())
                self.on_change(change, "done")
                tried.append(change)
                self.applied.append(change)
        return tried, [], {}

    def _after(self, change: Change) -> tuple[Change, ...]:
        """What is planned to come after a change."""
        names = [_name(one) for one in self.changes]
        return self.changes[names.index(_name(change)) + 1 :]

    async def _settle(self, tried: list[Change], *, patient: bool) -> None:
        """Look until nothing that was tried is still planned; give up in good order.

        When an answer was lost it is not known whether anything was done, so the look is shorter
        and what still shows as missing is planned again.
        """
        names = {_name(change) for change in tried}
        looks = 0
        for pause in SETTLING.pauses():
            await self.context.pace.sleep(pause)
            self.findings = await self._look()
            if self.findings.unsettled:
                self.on_progress(self.findings.unsettled)
                continue
            self.changes = self.step.plan(self.findings)
            if names.isdisjoint(map(_name, self._mine())):
                return
            looks += 1
            if not patient and looks == _LOOKS_AFTER_A_LOST_ANSWER:
                return
        assert self.findings is not None
        still = ", ".join(change.title for change in tried)
        self._waiting_for = self.findings.unsettled or f"not visible yet: {still}"

    async def _attend(self, operator: Operator) -> None:
        """Stay with the person while they do their part, one change after the other."""
        try:
            await self._attend_each(operator)
        finally:
            operator.leave()

    async def _attend_each(self, operator: Operator) -> None:
        for change in [one for one in self.changes if one.hand_off is not None]:
            assert change.hand_off is not None
            if change.hand_off.confirmation:
                by = await operator.confirm(change)
                if not by:
                    return
                context = self.context
                whose, customer = context.identity, context.customer_name
                confirm(context.ledger, Scope(whose, self.step.id, customer), change, by)
                await self._look_until_settled()
                self.plan()
            elif change.hand_off.is_watched:
                await self._watch(change, operator)

    async def _watch(self, change: Change, operator: Operator) -> None:
        looks = 0
        while True:
            for pause in WATCHING.pauses():
                self.on_progress(_waiting(change, looks))
                if not await operator.wait(change, pause):
                    return
                looks += 1
                self.findings = await self._look()
                self.plan()
                if _name(change) not in map(_name, self.changes):
                    self.on_progress(f"Seen: {change.title}.")
                    return
            if not await operator.ended(change):
                return

    async def _follow(self) -> None:
        """Stay with what is under way. Only one process does so at a time."""
        if self.findings is None or not self.findings.under_way:
            return
        if self.context.is_followed_elsewhere:
            self._waiting_for = self.findings.under_way
            return
        async with lease(self.step, self.context):
            self.findings = await self.step.follow(self.context, self.findings, self._followed)
        self.plan()
        self._waiting_for = self.findings.under_way

    def _followed(self, progress: FollowProgress) -> None:
        self.on_progress(progress.line)
        if progress.film is not None:
            self.on_film(progress.film)

    def _note(self, kind: FactKind, change: Change, what: str, written: dict[str, Any]) -> None:
        self.context.ledger.record(
            Scope(self.context.identity, self.step.id, self.context.customer_name),
            kind,
            change.subject or change.key,
            "done",
            {"change": change.key, "what": what, **written},
            run_id=self._run_id,
        )

    @asynccontextmanager
    async def _holding_errors(self) -> AsyncIterator[None]:
        try:
            yield
        except RunbookError as error:
            self.error = error

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold the lease; look again if much may have happened since we looked."""
        if self.mode is Mode.ASK:
            self.context.check_still_meant()
        async with lease(self.step, self.context):
            # Looking records nothing, so a newer fact is another run's doing. And a person may have
            # taken any time to answer.
            if self.mode is Mode.ASK or self._newest_fact() != self._newest:
                await self._look_until_settled()
                self.plan()
            yield

    def _state(self) -> State:
        if isinstance(self.error, AskAdministrator):
            return State.NEEDS_PERSON
        if self.error is not None:
            return _STATE_OF_EXIT.get(self.error.exit_code, State.FAILED)
        if self._waiting_for:
            return State.WAITING
        if self.mode is Mode.PLAN and self._mine():
            return State.PENDING
        if self._declined or any(change.by == "person" for change in self.changes):
            return State.NEEDS_PERSON
        return State.CHANGED if self.applied else State.DONE

    def _summary(self, state: State) -> str:
        count = len(self._mine())
        people = [change for change in self.changes if change.by == "person"]
        if self.error is not None:
            return self.error.what
        if state is State.WAITING:
            return f"Not settled yet: {self._waiting_for}. Run again in a few minutes."
        if state is State.PENDING:
            return f"{count} to change. Nothing was written: this was plan mode."
        if self._declined:
            return f"{count} to change, not applied: nobody said yes."
        if people:
            return "A person has to act: " + "; ".join(change.title for change in people) + "."
        if state is State.CHANGED:
            noun = "change" if len(self.applied) == 1 else "changes"
            return f"{len(self.applied)} {noun} applied and verified."
        return self.nothing_to_change


def _waiting(change: Change, looks: int) -> str:
    times = {0: "not looked yet", 1: "looked once"}.get(looks, f"looked {looks} times")
    return f"{change.waiting} ({times})."


def _name(change: Change) -> tuple[str, str]:
    return change.key, change.subject


def _without_cards(changes: tuple[Change, ...]) -> dict[tuple[str, str], Change]:
    """The changes by name, as they are when what comes before them could not be made.

    A card for one of them would send a person to do what cannot be done yet.
    """
    return {_name(one): replace(one, hand_off=None) for one in changes}


_STATE_OF_EXIT: Final = {3: State.NEEDS_PERSON, 4: State.WAITING}


async def run_in_context(
    step: Step[C, F],
    context: C,
    mode: Mode,
    *,
    approve: Approve | None = None,
    operator: Operator | None = None,
    on_progress: OnProgress = _silent,
) -> Outcome:
    """Run one step from beginning to end.

    Args:
        step: the step.
        context: what it works with.
        mode: how far it may go.
        approve: see `StepRunner.apply`.
        operator: see `StepRunner.apply`.
        on_progress: called with a short sentence at each thing worth showing.
    """
    runner = StepRunner(step, context, mode, on_progress=on_progress)
    await runner.examine()
    runner.plan()
    await runner.apply(approve, operator)
    return runner.outcome


def failed_outcome(
    step: str, account: str, mode: str, cloud: str, error: RunbookError, customer: str = ""
) -> Outcome:
    """The outcome of a step that could not even begin (bad configuration, no cloud, ...).

    Args:
        step: the step's id.
        account: the account's name, as it may be shown.
        mode: how far it was to go.
        cloud: `live` or `rehearsal`; `unknown` where not even that could be read.
        error: why it could not begin.
        customer: the customer's name; empty for the account itself.
    """
    now = dates.now()
    return Outcome(
        step=step,
        account=account,
        state=_STATE_OF_EXIT.get(error.exit_code, State.FAILED),
        mode=mode,
        cloud=cloud,
        summary=error.what,
        error=error.as_dict(),
        started=now,
        ended=now,
        since=now,
        customer=customer,
    )


def not_run_outcome(
    step: str, account: str, mode: str, cloud: str, blocking: Outcome, customer: str = ""
) -> Outcome:
    """The outcome of a step that was not run because an earlier one did not succeed.

    Args:
        step: the step's id.
        account: the account's name.
        mode: how far it was to go.
        cloud: `live` or `rehearsal`.
        blocking: how the earlier step ended.
        customer: the customer's name; empty for the account itself.
    """
    now = dates.now()
    return replace(
        blocking,
        step=step,
        account=account,
        mode=mode,
        cloud=cloud,
        summary=f"Not run: it follows {blocking.step}, which comes first.",
        findings=(),
        changes=(),
        error=None,
        run_id="",
        started=now,
        ended=now,
        since=now,
        customer=customer,
        exit_code=blocking.exit_code,
    )


def chosen_mode(mode: str, *, live: bool, answered: bool) -> Mode:
    """What a mode given by name means here.

    Args:
        mode: `auto`, `plan`, `apply` or `ask`.
        live: whether writes would reach a real tenant.
        answered: whether somebody is here who can click.

    Raises:
        FixInput: no such mode, or `ask` where nobody can answer.
    """
    if mode == "auto":
        if answered:
            return Mode.ASK
        return Mode.PLAN if live else Mode.APPLY
    if mode == Mode.ASK and not answered:
        raise FixInput(
            'The mode "ask" waits for a click, and nobody is here to click.',
            where="parameter mode",
            next="use plan or apply for a headless run",
        )
    return Mode(mode)
