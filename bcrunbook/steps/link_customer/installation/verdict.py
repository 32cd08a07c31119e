"""What the polls of one watch say together. Pure.

The rules are those of contract B14 and B15: the rows of `extensions`
are the truth, deployment status and operations only explain, `Completed` alone is no success and
`Failed` alone no failure, and a fact that could not be read is never taken for an absent one. Codat
adds its own: fetch errors are expected while App Link is being installed (contract C11.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bcrunbook.steps.link_customer.installation.memory import LastKnownExtension, remembered
from bcrunbook.steps.link_customer.installation.poll import (
    AUTH_ERROR,
    COMPLETE,
    DEAUTHORIZED,
    LINKED,
    PASSED,
    UNLINKED,
    DeploymentEvent,
    Package,
    Poll,
)

EXPECTED_FROM: Final = 600.0
EXPECTED: Final = 1200.0
"""How long an installation may well take, in seconds (contract C11.7)."""
BUDGET: Final = 2700.0
"""How long to watch: 30 minutes at one pace and 15 at a slower one (contract B14.3)."""
OVER: Final = 2 * BUDGET
"""How long after its beginning a watch that was never settled is over, in seconds; what Business
Central logged longer ago belongs to an earlier installation (contract B14.4)."""
HIDDEN_AT_MOST: Final = 300.0
"""How long to wait for an environment that cannot be read and in which nothing was ever seen going
on, in seconds."""
REFUSALS: Final = 3
REFUSED_FOR: Final = 60.0
"""How many looks in a row, and over how many seconds, have to be refused before it is believed that
the rows may not be read any more (contract B14.6)."""
APART: Final = 30.0
"""How far two sightings of the installed extension must lie apart (contract B14.5)."""

_RUNNING: Final = frozenset({"inprogress", "unknown", "queued", "running"})
_ENDED_BADLY: Final = frozenset({"failed", "notfound"})
_REMOVALS: Final = frozenset({"environmentappuninstall"})
_NOT_ALLOWED: Final = frozenset({"PermissionsError", "PrerequisiteNotMet"})


class Verdict(StrEnum):
    """How the installation stands."""

    NOT_LINKED = "not linked yet"
    LINK_FAILED = "the last attempt to link failed"
    RELINK = "link again"
    CUT = "unlinked in Codat"
    NOT_ALLOWED = "Codat may not read the data"
    INSTALLING = "installing"
    SUSPECT = "reported as failed, not believed yet"
    HIDDEN = "not readable for the moment"
    CONFIRMING = "seen installed, to be confirmed"
    INSTALLED = "installed"
    DATA_FLOWS = "data flows, extension not readable"
    NOT_FINISHED = "installed, but the link was not finished"
    OLDER = "an older version is back"
    UNINSTALLED = "uninstalled"
    UNPUBLISHED = "unpublished"
    UNCONFIRMED = "unconfirmed"


GOOD: Final = frozenset({Verdict.INSTALLED, Verdict.DATA_FLOWS})
UNDER_WAY: Final = frozenset(
    {Verdict.INSTALLING, Verdict.SUSPECT, Verdict.HIDDEN, Verdict.CONFIRMING}
)
NOT_SETTLED: Final = UNDER_WAY | {Verdict.UNCONFIRMED}


@dataclass(frozen=True)
class Judgement:
    """A verdict and its grounds, in words."""

    verdict: Verdict
    because: str

    @property
    def is_good(self) -> bool:
        """Whether the customer's data can be read."""
        return self.verdict in GOOD

    @property
    def is_under_way(self) -> bool:
        """Whether time alone may change it."""
        return self.verdict in UNDER_WAY


def judge(polls: Sequence[Poll], memory: LastKnownExtension | None) -> Judgement:
    """What the polls say together.

    Args:
        polls: the polls of one watch, oldest first; at least one.
        memory: what is known of the extension from before the watch.
    """
    last = polls[-1]
    judgement = _by_connection(last) or (
        _by_codat(polls) if last.packages is None else _by_rows(polls, last.packages, memory)
    )
    if judgement.is_under_way and last.elapsed >= BUDGET:
        # What was seen once is looked at again, and so is what could not be read just now: nobody
        # may have looked for long before.
        passes = judgement.verdict is Verdict.HIDDEN and _hidden_for(polls) < HIDDEN_AT_MOST
        if passes or judgement.verdict is Verdict.CONFIRMING:
            return judgement
        return Judgement(
            Verdict.UNCONFIRMED,
            f"{_minutes(last.elapsed)} have passed; last: {judgement.because}",
        )
    return judgement


def _by_connection(last: Poll) -> Judgement | None:
    """What Codat alone settles, whatever Business Central shows."""
    if last.connection == DEAUTHORIZED:
        return Judgement(Verdict.RELINK, f"the connection reads {DEAUTHORIZED}{_error(last)}")
    if last.connection == UNLINKED:
        return Judgement(Verdict.CUT, f"the connection reads {UNLINKED}")
    if last.connection == LINKED and last.data == AUTH_ERROR:
        return Judgement(Verdict.RELINK, f"the data type company reads {AUTH_ERROR}")
    return None


def _by_codat(polls: Sequence[Poll]) -> Judgement:
    """The verdict where the extension cannot be read."""
    last = polls[-1]
    if last.connection != LINKED:
        # Reported by an earlier poll, the installation may be hidden for a moment only.
        if _was_seen_running(polls) and not _failed_since(polls):
            return Judgement(Verdict.INSTALLING, "it was seen installing, and cannot be read now")
        if _may_be_hidden(polls):
            return Judgement(
                Verdict.HIDDEN, f"the environment does not answer now ({last.environment})"
            )
        return _not_linked(last)
    if last.hiccups or _is_refused_lately(polls):
        # An earlier sync says nothing of an extension that is hidden for a moment only.
        synced = Judgement(Verdict.HIDDEN, "Linked and synced; the environment does not answer now")
    else:
        synced = Judgement(Verdict.DATA_FLOWS, "Linked, and the data type company was synced")
    return _by_sync(last, synced)


def _is_refused_lately(polls: Sequence[Poll]) -> bool:
    """Whether the rows could be read in this watch, and were not refused for good since."""
    refused: list[Poll] = []
    for poll in reversed(polls):
        if poll.packages is not None:
            return len(refused) < REFUSALS or refused[0].elapsed - refused[-1].elapsed < REFUSED_FOR
        if not poll.hiccups:
            refused.append(poll)
    return False


def _by_rows(
    polls: Sequence[Poll], packages: tuple[Package, ...], memory: LastKnownExtension | None
) -> Judgement:
    """The verdict where the extension's rows can be read."""
    last = polls[-1]
    if last.installed is not None:
        return _installed(polls, last.installed, memory)
    if memory is None and (sighting := last_sighting(polls)) is not None:
        # What comes and goes in one watch is not remembered before its end.
        assert sighting.installed is not None
        memory = remembered(None, sighting.installed, sighting.at)
    explained = _explained_lately(polls)
    # A deployment is shown as it stood a look ago: one that the extension came by is no news.
    running = [
        one
        for one in explained
        if one.status.lower() in _RUNNING
        and one.what.lower() not in _REMOVALS
        and (memory is None or one.at is None or one.at > memory.last_seen)
    ]
    if running:
        return Judgement(Verdict.INSTALLING, f"{running[0].what} reads {running[0].status}")
    if memory is not None and not _started_since(explained, memory):
        return _gone(last, packages, memory)
    failed = [one for one in explained if one.status.lower() in _ENDED_BADLY]
    if failed:
        return Judgement(
            Verdict.SUSPECT,
            f"{failed[0].what} reads {failed[0].status}, and the extension is not there yet",
        )
    if last.connection == LINKED:
        elsewhere = "Linked and synced; App Link is in another environment than the one looked at"
        return _by_sync(last, Judgement(Verdict.DATA_FLOWS, elsewhere))
    if _was_seen_running(polls) and not _failed_since(polls):
        return Judgement(Verdict.INSTALLING, "it was seen running, and is not there yet")
    if _may_be_hidden(polls):
        return Judgement(Verdict.HIDDEN, "what was deployed cannot be read now")
    return _not_linked(last)


def _by_sync(last: Poll, synced: Judgement) -> Judgement:
    """The verdict where Codat is linked and its sync is all that tells."""
    if last.data == COMPLETE:
        return synced
    if last.data in _NOT_ALLOWED:
        return Judgement(Verdict.NOT_ALLOWED, f"the data type company reads {last.data}")
    return Judgement(Verdict.INSTALLING, _data(last))


def _installed(polls: Sequence[Poll], row: Package, memory: LastKnownExtension | None) -> Judgement:
    if memory is not None and row.version < memory.package.version:
        return Judgement(
            Verdict.OLDER,
            f"{row.version_text} is installed, {memory.package.version_text} was"
            f" on {memory.last_seen:%Y-%m-%d}",
        )
    last = polls[-1]
    since = installed_since(polls)
    assert since is not None
    if last.elapsed - since < APART:
        return Judgement(Verdict.CONFIRMING, f"{row.version_text} is there, seen once")
    if last.probe != PASSED:
        return Judgement(
            Verdict.CONFIRMING, f"{row.version_text} is there; data: {last.probe or 'not tried'}"
        )
    if last.connection == LINKED:
        return Judgement(Verdict.INSTALLED, f"{row.version_text}, seen twice; data can be read")
    if last.elapsed - since < EXPECTED / 4:
        return Judgement(Verdict.CONFIRMING, f"installed; the connection reads {last.connection}")
    return Judgement(Verdict.NOT_FINISHED, f"installed, yet the connection reads {last.connection}")


def installed_since(polls: Sequence[Poll]) -> float | None:
    """When the unbroken row of sightings began, in seconds; None where it is not there.

    A poll that could not look breaks nothing.

    Args:
        polls: the polls of one watch, oldest first.
    """
    since = None
    for poll in reversed(polls):
        if poll.packages is None:
            continue
        if poll.installed is None:
            break
        since = poll.elapsed
    return since


def last_sighting(polls: Sequence[Poll]) -> Poll | None:
    """The newest poll that saw it installed, in the environment that the last one looked at.

    Args:
        polls: polls, oldest first; at least one.
    """
    name = _environment_of(polls[-1])
    seen = (one for one in reversed(polls) if one.installed is not None)
    return next((one for one in seen if _environment_of(one) == name), None)


def _environment_of(poll: Poll) -> str:
    return poll.environment.partition(": ")[0]


def _gone(last: Poll, packages: tuple[Package, ...], memory: LastKnownExtension) -> Judgement:
    seen = f"{memory.package.version_text} was there on {memory.last_seen:%Y-%m-%d}"
    logged = [
        one
        for one in last.operations or ()
        if one.what.lower() in _REMOVALS and one.status.lower() == "succeeded"
    ]
    when = f"; uninstalled {logged[0].at:%Y-%m-%d %H:%M} UTC" if logged and logged[0].at else ""
    if packages:
        return Judgement(Verdict.UNINSTALLED, f"still published, not installed; {seen}{when}")
    if memory.is_tenant_package:
        return Judgement(Verdict.UNPUBLISHED, f"no trace is left; {seen}{when}")
    return Judgement(Verdict.UNINSTALLED, f"not there any more; {seen}{when}")


def _started_since(explained: Sequence[DeploymentEvent], memory: LastKnownExtension) -> bool:
    """Whether an installation began after the extension was seen last."""
    return any(
        one.at is not None and one.at > memory.last_seen and one.what.lower() not in _REMOVALS
        for one in explained
    )


def _explained(last: Poll) -> tuple[DeploymentEvent, ...]:
    return (*(last.deployments or ()), *(last.operations or ()))


def _explained_lately(polls: Sequence[Poll]) -> tuple[DeploymentEvent, ...]:
    """What the deployments read last say: an error that passes does not undo it."""
    for poll in reversed(polls):
        if poll.deployments is not None or not poll.hiccups:
            return _explained(poll)
    return _explained(polls[-1])


def _was_seen_running(polls: Sequence[Poll]) -> bool:
    return any(
        one.status.lower() in _RUNNING | _ENDED_BADLY
        for poll in polls
        for one in _explained(poll)
        if one.what.lower() not in _REMOVALS
    )


def _may_be_hidden(polls: Sequence[Poll]) -> bool:
    """Whether something may go on behind errors that pass; an upgrade may take its time."""
    last = polls[-1]
    longest = BUDGET if _is_upgrading(last) else HIDDEN_AT_MOST
    return bool(last.hiccups) and last.active_error is None and _hidden_for(polls) < longest


def _hidden_for(polls: Sequence[Poll]) -> float:
    """For how many seconds each look has met errors that pass."""
    last = polls[-1]
    since = last.elapsed
    for poll in reversed(polls):
        # What an upgrade took is not held against an error that follows it, or hides it.
        if not poll.hiccups or _is_upgrading(poll) is not _is_upgrading(last):
            break
        since = poll.elapsed
    return last.elapsed - since


def _is_upgrading(poll: Poll) -> bool:
    return poll.environment.lower().endswith(": upgrading")


def _failed_since(polls: Sequence[Poll]) -> bool:
    """Whether an attempt to link failed during the watch; older errors are older attempts'."""
    error = polls[-1].active_error
    return error is not None and (error.at is None or error.at >= polls[0].at)


def _not_linked(last: Poll) -> Judgement:
    error = last.active_error
    if error is not None:
        return Judgement(Verdict.LINK_FAILED, error.text)
    return Judgement(Verdict.NOT_LINKED, f"the connection reads {last.connection}")


def _data(last: Poll) -> str:
    return f"Linked; the data type company {f'reads {last.data}' if last.data else 'has no sync'}"


def _error(last: Poll) -> str:
    error = last.active_error
    return f": {error.text}" if error is not None else ""


def _minutes(seconds: float) -> str:
    return f"{round(seconds / 60)} minutes"
