"""Every error that may reach a person, split by what the reader can do about it.

    RunbookError
    +-- FixInput            wrong use or configuration: change a file, an option, a name   exit 2
    |   `-- NotFound        a name that does not exist here; offers the nearest one        exit 2
    +-- AskAdministrator    somebody with more rights has to act                           exit 3
    +-- SignInAgain         the sign-in is missing, expired or needs another factor        exit 3
    +-- WaitAndRetry        a service, or another runner, needs time                       exit 4
    +-- Unreachable         the network, a proxy or this machine is in the way             exit 1
    |   `-- AnswerLost      the request may have had its effect; look before repeating it  exit 1
    `-- ReportBug           the service or this program behaved as nobody expected         exit 1

Each error says what happened, where, why probably, what to do next and who can do it. None holds
a secret: texts from outside pass `bcrunbook.secrets.scrub` before they get here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar

from bcrunbook.order import section_in_notebook


class RunbookError(Exception):
    """The root. Raise one of the subclasses.

    Args:
        what: what happened, one sentence.
        where: the step, file and key, or service call it happened in.
        why: the most likely cause.
        next: the next action, in the imperative.
        who: who can do it ("you", "an Application Administrator of the tenant", ...).
        code: the service's own code (`Authorization_RequestDenied`, `AADSTS700016`, ...).
        request_id: the service's request id, for its support.
        section: the section of a step's notebook that explains it, as `step#heading`.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        next: str = "",
        who: str = "you",
        code: str = "",
        request_id: str = "",
        section: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.next = next
        self.who = who
        self.code = code
        self.request_id = request_id
        self.section = section

    def as_dict(self) -> dict[str, Any]:
        """The error as plain data, the form in which an outcome carries it."""
        fields = {"kind": self.kind, "exit_code": self.exit_code, **self.__dict__}
        return fields | {"section": self._read}

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception with keyword-only arguments does not pickle by itself.
        return (_rebuild, (type(self), dict(self.__dict__)))

    def __str__(self) -> str:
        """The whole message for a person, several lines, without a traceback."""
        lines = [self.what]
        labels = (("where", self.where), ("why", self.why), ("next", self.next))
        lines += [f"  {label + ':':<7}{text}" for label, text in labels if text]
        if self.next and self.who not in ("", "you"):
            lines.append(f"  {'who:':<7}{self.who}")
        support = ", ".join(
            part
            for part in (self.code, self.request_id and f"request id {self.request_id}")
            if part
        )
        if support:
            lines.append(f"  {'quote:':<7}{support}")
        if self.section:
            lines.append(f"  {'read:':<7}{self._read}")
        return "\n".join(lines)

    @property
    def _read(self) -> str:
        """The section as a reader finds it; empty without one."""
        return section_in_notebook(self.section) if self.section else ""


def _rebuild(cls: type[RunbookError], fields: dict[str, Any]) -> RunbookError:
    return cls(fields.pop("what"), **fields)


class FixInput(RunbookError):
    """Wrong use or configuration; nothing was run."""

    kind = "fix_input"
    exit_code = 2


class NotFound(FixInput):
    """A name that does not exist in this place."""


class AskAdministrator(RunbookError):
    """Somebody else has to act first.

    Args:
        what: as for every error, and so are the keywords in `about`.
        by_hand: whether it is about the rights to just what was tried, so that a person with more
            rights would succeed with it by hand. Not so for a quota, a policy, a plan, or a
            refusal of something on the way, such as the secret store: there only `next` helps.
    """

    kind = "ask_administrator"
    exit_code = 3

    def __init__(self, what: str, *, by_hand: bool = False, **about: str) -> None:
        super().__init__(what, **about)
        self.by_hand = by_hand


class SignInAgain(RunbookError):
    """The sign-in is missing, expired, or wants another factor."""

    kind = "sign_in_again"
    exit_code = 3


class WaitAndRetry(RunbookError):
    """A service, or another runner, needs time."""

    kind = "wait_and_retry"
    exit_code = 4


class Unreachable(RunbookError):
    """The network, a proxy or this machine is in the way."""

    kind = "unreachable"
    exit_code = 1


class AnswerLost(Unreachable):
    """A write was sent and no answer came: it may have had its effect."""


class ReportBug(RunbookError):
    """The service or this program behaved as nobody expected."""

    kind = "report_bug"
    exit_code = 1


def not_the_service(
    service: str, where: str, *, may_be_done: bool = False, request_id: str = ""
) -> Unreachable:
    """What it means that an answer is none of the service's: a page, a redirect, or nothing.

    Args:
        service: whose answer was due, in words.
        where: the call, in words.
        may_be_done: whether it was a write that makes a second thing when it is repeated. It was
            hardly done, and that is for a look to say.
        request_id: the id that the answer bears, where it bears one.
    """
    kind = AnswerLost if may_be_done else Unreachable
    return kind(
        f"Something other than {service} answered.",
        where=where,
        why="a proxy, or the sign-on page of this network, stands in between",
        next="check the connection and [network] proxy in accounts.toml, then run again",
        who="you, or whoever keeps the network",
        request_id=request_id,
    )


def without_frames(error: BaseException) -> BaseException:
    """The same exception without its traceback and whatever came before it.

    A notebook in verbose mode, and others who draw tracebacks, show what every frame holds. Where
    the frames of a library hold a token or a key, none of them may be seen from above.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say which valid name is meant: `did you mean "trial"?`, or the list of valid ones."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return "valid: " + ", ".join(names) if names else "there is none yet"
