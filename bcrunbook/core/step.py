"""What a step is, and the forms that its results have.

A step examines (reads only), plans (pure), applies one change at a time, and examines again until
what it did has settled. `bcrunbook.core.runner` carries these four out in every mode; notebooks,
the command line and batches only choose the mode.

Invariant: a fact that could not be looked at is `unknown`, never `absent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from bcrunbook.core.context import RunContext
from bcrunbook.errors import RunbookError

OUTCOME_SCHEMA: Final = 1
_LEFT_OUT: Final = -1


class Mode(StrEnum):
    """How far a run goes."""

    PLAN = "plan"
    APPLY = "apply"
    ASK = "ask"


class State(StrEnum):
    """How a step ended. `pending` occurs in plan mode only."""

    DONE = "done"
    CHANGED = "changed"
    NEEDS_PERSON = "needs_person"
    WAITING = "waiting"
    FAILED = "failed"
    PENDING = "pending"


PASSED: Final[frozenset[str]] = frozenset({State.DONE, State.CHANGED})
"""The states of a step that is as it should be."""

EXIT_CODES: Final[dict[State, int]] = {
    State.DONE: 0,
    State.CHANGED: 0,
    State.FAILED: 1,
    State.NEEDS_PERSON: 3,
    State.WAITING: 4,
    State.PENDING: 5,
}


# How bad an exit code is, worst first: wrong use, failed, a person, waiting, pending, done.
_WORST_FIRST: Final = (2, 1, 3, 4, 5, 0)


def worst_code(codes: Iterable[int]) -> int:
    """The exit code of several things: the worst of theirs; 0 without any."""
    present = set(codes)
    return next((code for code in _WORST_FIRST if code in present), 0)


class Comparison(StrEnum):
    """What a finding says about wanted against actual."""

    OK = "ok"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One fact: wanted against actual, and where it was read.

    Args:
        name: what it is about.
        wanted: what the runbook wants; empty when it only informs.
        actual: what was found.
        source: where it was read, or why it could not be.
        verdict: how the two compare.
        advice: what to do about it, and who.
        is_yet_to_come: for one that differs: whether what is wanted is simply not there yet, as
            before every first run, and having it made is what the step is for.
    """

    name: str
    wanted: str
    actual: str
    source: str
    verdict: Comparison
    advice: str = ""
    is_yet_to_come: bool = False


@dataclass(frozen=True)
class Row:
    """One value before and after a change, in the portal's words where there are some.

    Args:
        name: what it is.
        before: the value as it is; empty where there is none.
        after: the value as it will be; empty where none is left.
        api: how the service's API says it (a property, a value, or both), or when it ends. It
            explains: two rows that differ in it alone are the same.
    """

    name: str
    before: str
    after: str
    api: str = field(default="", compare=False)


@dataclass(frozen=True)
class HandOffButton:
    """What can be done right beside one of a hand-off's actions, where there are buttons.

    Args:
        action: the index of the action that it belongs to.
        does: `open` opens a page, `copy` copies a value, `copy_secret` the client secret,
            `copy_link` the link that is fetched for the customer, `write_notice` writes the notice
            to the customer, and `confirm` says that it is done.
        label: what the button says; empty for `confirm`, where the hand-off's confirmation says it.
        value: the page or the value; never a secret.
        instead: how the same is done without the button, as the action says it in brackets.
    """

    action: int
    does: Literal["open", "copy", "copy_secret", "copy_link", "write_notice", "confirm"]
    label: str = ""
    value: str = ""
    instead: str = ""


@dataclass(frozen=True)
class HandOff:
    """What a person has to do, complete enough to be forwarded.

    Args:
        who: the role that can do it.
        actions: what to do, in order, for who has only these words.
        link: where to click first; empty without one.
        found: what was found, where the change's title does not say it all.
        values: labelled values to copy; never a secret.
        secret: where the client secret is kept that has to be copied; empty without one.
        looks_like: what the person sees when it went well.
        slips: what usually goes wrong, and what to do then.
        confirmation: what the person says when it is done; empty where a look shows it.
        is_watched: whether it is worth waiting here until a look shows it; the last action is then
            to look again, which whoever waits need not.
        has_customer_link: whether it begins with a link that is fetched for the customer.
        needs: what has to be so before anybody begins.
        buttons: what can be done beside the actions, where there are buttons.
        waiting: says who is waited for, and for what; empty where the change's title tells what a
            person is to do.
    """

    who: str
    actions: tuple[str, ...]
    link: str = ""
    found: str = ""
    values: tuple[tuple[str, str], ...] = ()
    secret: str = ""
    looks_like: str = ""
    slips: tuple[str, ...] = ()
    confirmation: str = ""
    is_watched: bool = False
    has_customer_link: bool = False
    needs: tuple[str, ...] = ()
    buttons: tuple[HandOffButton, ...] = ()
    waiting: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The actions for who has the buttons, and waits: without what these stand for."""
        lines = list(self.actions[:-1] if self.is_watched else self.actions)
        for button in self.buttons:
            if button.instead and button.action < len(lines):
                lines[button.action] = lines[button.action].replace(f" ({button.instead})", "")
        return tuple(lines)


Action: TypeAlias = Literal["create", "update", "delete", "confirm"]
"""What becomes of the thing that a change is about, whoever does it.

`confirm` is for what is a person's part from the first: the program only sees, or is told, that it
was done.
"""


@dataclass(frozen=True)
class Change:
    """One thing that would be done.

    Args:
        key: names the change within its step; the same change has the same key in every plan.
        title: what would be done, to what.
        rows: values before and after.
        by: who does it.
        subject: the id that the change is about, where the key alone does not say.
        hand_off: for a change by a person, what to do.
        action: what becomes of the thing; a change that is handed to a person keeps it.
        said_at: the step under which it is noted when somebody says that it is done, where that is
            another's; empty for the one that planned it.

    Raises:
        ValueError: the program would confirm something, which is for people.
    """

    key: str
    title: str
    rows: tuple[Row, ...] = ()
    by: Literal["program", "person"] = "program"
    subject: str = ""
    hand_off: HandOff | None = None
    action: Action = "confirm"
    said_at: str = ""

    def __post_init__(self) -> None:
        if self.by == "program" and self.action == "confirm":
            raise ValueError("what the program does is create, update or delete")

    @property
    def waiting(self) -> str:
        """Says who is waited for, and for what, while a person has it in hand."""
        said = self.hand_off.waiting if self.hand_off is not None else ""
        return said or f"Waiting for a person to {self.title}"


@dataclass(frozen=True)
class Observation:
    """A fact that later runs want to find in the ledger.

    Args:
        kind: what sort of fact.
        subject: what it is about.
        data: what was seen, plain data.
        step: the step that wants to find it; empty for the one that saw it.
        customer: the customer it is about; empty for the one that the run is about, if any.
    """

    kind: str
    subject: str
    data: dict[str, Any]
    step: str = ""
    customer: str = ""


@dataclass(frozen=True)
class Sighting:
    """One look of a watch, for a picture of it.

    Args:
        seconds: seconds of the cloud's time since the watch began.
        label: how things stood, in a few words.
        tone: `moving`, `good` or `trouble`.
        hiccups: how many errors that pass by themselves were met.
    """

    seconds: float
    label: str
    tone: Literal["moving", "good", "trouble"]
    hiccups: int = 0

    @property
    def clock(self) -> str:
        """When it was, as minutes and seconds."""
        return clock(self.seconds)


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@dataclass(frozen=True)
class FilmStage:
    """A part of what is followed.

    Args:
        name: what it is, in a word or two.
        state: `reached`; `now`, reached and the part that goes on; `ahead`; `unseen`, where it may
            not be looked at.
    """

    name: str
    state: Literal["reached", "now", "ahead", "unseen"]


@dataclass(frozen=True)
class PassingError:
    """An error that passes by itself, met while something is followed.

    Args:
        text: what was read, with the service's own code.
        looks: how many looks met it.
    """

    text: str
    looks: int


@dataclass(frozen=True)
class Film:
    """All that a live picture of what is followed needs, as of its last look.

    Spans are seconds of the cloud's time, of which a rehearsal has more than the clock on the wall.

    Args:
        what: what is followed.
        sightings: the looks so far, oldest first; at least one.
        stages: the parts of it, in order.
        is_news: whether a part was reached with the last look.
        because: what the last look goes by, in words.
        passing: the errors met so far that pass by themselves, each once.
        elapsed: seconds since it began.
        expected: after how many seconds it is usually over, from and to.
        longest: after how many seconds it is not followed any more.
        next_look: in how many seconds it is looked at again; None when it is over.
        speed: how many of these seconds pass in a real one.
        at: when this was so (UTC).
        skips: whether they are skipped as soon as everybody waits, as in a rehearsal.
    """

    what: str
    sightings: tuple[Sighting, ...]
    stages: tuple[FilmStage, ...]
    is_news: bool
    because: str
    passing: tuple[PassingError, ...]
    elapsed: float
    expected: tuple[float, float]
    longest: float
    next_look: float | None
    speed: float
    at: datetime
    skips: bool = False

    @property
    def minutes(self) -> int:
        """The whole minutes so far."""
        return int(self.elapsed // 60)

    @property
    def label(self) -> str:
        """How things stand, in a few words."""
        return self.sightings[-1].label

    @property
    def words(self) -> str:
        """How things stand, with the minutes: a line for whoever does not see the picture."""
        first, last = (round(seconds / 60) for seconds in self.expected)
        return f"{self.what}: {self.label}, {self.minutes} min so far, usually {first} to {last}"

    def here(self, seconds: float) -> float:
        """How many real seconds from then on something takes that is due `seconds` after the start.

        Args:
            seconds: seconds of the cloud's time since it began.
        """
        return 0.0 if self.skips else max(0.0, seconds - self.elapsed) / self.speed

    def moment(self, seconds: float) -> datetime:
        """When it will be `seconds` of the cloud's time since it began (UTC)."""
        return self.at + timedelta(seconds=self.here(seconds))


@dataclass(frozen=True)
class FollowProgress:
    """What is told of something that is followed.

    Args:
        line: a short sentence.
        film: the same as a picture; None where nothing of it has changed.
    """

    line: str
    film: Film | None = None


OnFollow: TypeAlias = Callable[[FollowProgress], None]


class Findings:
    """What a step's examination saw; each step has its own frozen dataclass."""

    def rows(self) -> tuple[Finding, ...]:
        """The findings, in the order in which a person reads them."""
        raise NotImplementedError

    @property
    def unsettled(self) -> str:
        """Why it is too early to plan (something may still appear); empty when it is not."""
        return ""

    @property
    def under_way(self) -> str:
        """What goes on by itself for minutes, and is worth following; empty without such."""
        return ""

    @property
    def timeline(self) -> tuple[Sighting, ...]:
        """The looks of what was followed, oldest first."""
        return ()

    @property
    def observations(self) -> tuple[Observation, ...]:
        """What is worth remembering of it."""
        return ()


F = TypeVar("F", bound=Findings)
C = TypeVar("C", bound=RunContext)
_C = TypeVar("_C", bound=RunContext, contravariant=True)


class Step(Protocol[_C, F]):
    """One step of the runbook. The id names module, notebook, tests and ledger rows.

    `needs` names the steps that must have succeeded before this one can say anything.
    `is_about_codat` tells whether what it comes to is true of one Codat instance only.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    is_per_customer: ClassVar[bool]
    is_about_codat: ClassVar[bool]

    async def examine(self, context: _C) -> F:
        """Read what is there. Writes nothing anywhere."""

    def plan(self, findings: F) -> tuple[Change, ...]:
        """What would have to be done. Pure."""

    async def apply(self, context: _C, findings: F, change: Change) -> bool:
        """Do one change. Safe to repeat after a crash at any instant.

        Args:
            context: what the step works with.
            findings: what was seen last.
            change: one that was planned on them.

        Returns:
            Whether it was done; False when another change has to show first.
        """

    def hand_off(self, findings: F, change: Change, error: RunbookError) -> Change:
        """The same change for somebody with more rights, after it was refused.

        Args:
            findings: what was seen last.
            change: what was tried.
            error: the refusal.
        """

    async def follow(self, context: _C, findings: F, on_progress: OnFollow) -> F:
        """Stay with what is under way until it is settled, or longer than it may take.

        Args:
            context: what the step works with.
            findings: what was seen last.
            on_progress: called at each thing worth showing.

        Returns:
            What was seen last.
        """


AnyStep: TypeAlias = Step[Any, Any]
"""A step, whatever it works with and finds."""


class AccountStep:
    """Base of a step about the account itself, in which nothing goes on by itself for minutes."""

    is_per_customer: ClassVar[bool] = False
    is_about_codat: ClassVar[bool] = False

    async def follow(self, context: Any, findings: Any, on_progress: OnFollow) -> Any:
        """Nothing: no findings of such a step are under way."""
        return findings


class PersonsStep(AccountStep):
    """Base of a step that plans nothing for the program: all its changes are a person's."""

    async def apply(self, context: Any, findings: Any, change: Change) -> bool:
        """Nothing: a run applies only what is the program's."""
        return False

    def hand_off(self, findings: Any, change: Change, error: RunbookError) -> Change:
        """The change as it is: it is for a person anyway."""
        return change


@dataclass(frozen=True)
class Outcome:
    """How a step ended: what travels out of a notebook, into the ledger and the report.

    Args:
        step: the step's id.
        account: the account's name.
        state: how it ended.
        mode: how far it was allowed to go.
        cloud: `live` or `rehearsal`.
        summary: one sentence.
        findings: what was found last.
        changes: what was done, or would be done.
        error: the error as plain data, where one ended the step.
        started: when it began (UTC).
        ended: when it ended (UTC).
        since: since when it has ended this way, run for run (UTC).
        run_id: the ledger's id of the run; empty when none was begun.
        customer: the customer's name; empty for a step of the account itself.
        timeline: the looks at what was followed; empty where nothing was.
        schema: the version of this form.
        exit_code: the exit code of a command that ran just this step; left out, it is that of the
            error or of the state.
    """

    step: str
    account: str
    state: State
    mode: str
    cloud: str
    summary: str
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    error: dict[str, Any] | None = None
    started: datetime | None = None
    ended: datetime | None = None
    since: datetime | None = None
    run_id: str = ""
    customer: str = ""
    timeline: tuple[Sighting, ...] = ()
    schema: int = OUTCOME_SCHEMA
    exit_code: int = _LEFT_OUT

    def __post_init__(self) -> None:
        if self.exit_code == _LEFT_OUT:
            code = self.error["exit_code"] if self.error else EXIT_CODES[self.state]
            object.__setattr__(self, "exit_code", code)

    @property
    def hand_offs(self) -> tuple[Change, ...]:
        """The changes that wait for a person."""
        return tuple(change for change in self.changes if change.by == "person")

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON data (MIME type application/vnd.bcrunbook.outcome+json)."""
        data = asdict(self)
        for name in ("started", "ended", "since"):
            data[name] = data[name].isoformat() if data[name] else None
        return data

    @classmethod
    def from_dict(cls, data: object) -> Outcome:
        """The outcome that plain data hold (see `as_dict`), wherever they come from.

        What an earlier version did not write has its default; what a later one adds is left out.

        Args:
            data: the data, of which nothing is taken for granted.

        Raises:
            ValueError: they are no outcome, or one of a later form; says what is wrong with them.
        """
        if not isinstance(data, Mapping):
            raise ValueError("it is no table of values")
        plain = {"mode": "", "cloud": "", "summary": "", **data}
        if isinstance(changes := plain.get("changes"), list | tuple):
            plain["changes"] = [_with_action(one) for one in changes]
        if isinstance(error := plain.get("error"), Mapping):
            plain["error"] = _whole_error(error)
        schema = plain.get("schema", OUTCOME_SCHEMA)
        if isinstance(schema, int) and schema > OUTCOME_SCHEMA:
            raise ValueError(f"it has the form {schema}, and this version knows {OUTCOME_SCHEMA}")
        try:
            return outcome_reader().validate_json(to_json(plain), strict=True)
        except ValidationError as mistakes:
            raise ValueError(_first_mistake(mistakes)) from None


@cache
def outcome_reader() -> TypeAdapter[Outcome]:
    """What checks an outcome's data; made once, as that takes longer than to use it."""
    return TypeAdapter(Outcome)


def _with_action(change: Any) -> Any:
    """A change of a version that did not note what becomes of the thing, which it had looked at."""
    if isinstance(change, Mapping) and change.get("by") == "program":
        return {"action": "update", **change}
    return change


def _first_mistake(mistakes: ValidationError) -> str:
    mistake = mistakes.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}"


def _whole_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error's data with all that a `RunbookError` has.

    Raises:
        ValueError: they are none.
    """
    defaults = RunbookError("").as_dict()
    missing = {name: default for name, default in defaults.items() if error.get(name) is None}
    whole = {**error, **missing}
    for name, default in defaults.items():
        if type(whole[name]) is not type(default):
            raise ValueError(f"error.{name} is not what it should be")
    return whole
