"""A year itself: the program's own steps and commands, and people who are scripted.

Each week Codat syncs, then everything is checked; whatever the check hands to a person, a person
does. The deeds of the year happen in the middle of their weeks, so that nobody is told of them but
by the check. In between the rehearsal cloud's clock is moved on, and with it every date.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import rehearsal_cloud
from bcrunbook.core.step import Outcome
from bcrunbook.errors import ReportBug
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, LINK_CUSTOMER, RETIRE_CUSTOMER, ROTATE_SECRET
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import Outside, UnexpectedPage
from bcrunbook.run.account import StepRun, exit_code, run_account, run_customers
from bcrunbook.run.check import check_accounts
from bcrunbook.run.handover.page import handover_of, write_handover
from bcrunbook.run.rehearse.account import act, part_of, play
from bcrunbook.run.rehearse.customers import link_customer
from bcrunbook.run.rehearse.year.cast import Deed, Leaked, Removed, Replaced, Year
from bcrunbook.run.rehearse.year.story import (
    Document,
    Happening,
    Interruption,
    Story,
    Tone,
    WeeklyCheck,
    named,
)
from bcrunbook.skipped import dates
from bcrunbook.steps import SETUP_STEPS, step_named
from bcrunbook.steps.client_secret.replacement import Replacement
from bcrunbook.steps.health_check import END_OF_SECRET, customer_parts
from bcrunbook.steps.link_customer.installation.look import COMPANY, PUBLISHER

_WEEK: Final = timedelta(weeks=1)
_BEGINS_AT: Final = timedelta(hours=9)
"""When on a Monday a year begins, and its checks are (UTC)."""
_DEED: Final = timedelta(days=4, hours=-5)
"""How long before a check its week's deed is: on the Thursday before."""
_HOUR: Final = 3600.0
_UNTIL_LINKED: Final = 330.0
_SYNCED: Final = 60.0
_PERSON_COMES: Final = 2 * _HOUR
_AFTER_A_LEAK: Final = 3 * _HOUR
_NEEDS_PERSON: Final = 3
_PROGRAM: Final = "bcrunbook"

T = TypeVar("T")
Give = Callable[[Sequence[str]], Awaitable[int]]
"""Gives a command of the program in a process of its own, and comes back with its exit code."""


def beginning(year: Year, now: datetime) -> datetime:
    """When a year begins that is over by now: on a Monday morning.

    Args:
        year: what it is made of.
        now: now (UTC).
    """
    latest = now - year.weeks * _WEEK - timedelta(days=1)
    monday = latest - timedelta(days=latest.weekday())
    return monday.replace(hour=0, minute=0, second=0, microsecond=0) + _BEGINS_AT


@dataclass
class YearPlay:
    """A year that is being played.

    Args:
        workspace: laid out for the year's accounts.
        cloud: the running rehearsal cloud, whose dates go by its clock.
        year: what the year is made of.
        folder: where notebooks and cards go.
        give: gives a command.
        acted: called with a sentence when somebody has done something.
    """

    workspace: Workspace
    cloud: RehearsalDescription
    year: Year
    folder: Path
    give: Give
    acted: Callable[[str], None]
    _engineer: str = ""
    _happenings: list[Happening] = field(default_factory=list)
    _interruptions: list[Interruption] = field(default_factory=list)
    _checks: list[WeeklyCheck] = field(default_factory=list)
    _left: list[str] = field(default_factory=list)
    _documents: list[Document] = field(default_factory=list)
    _open: dict[tuple[str, str], tuple[datetime, Removed]] = field(default_factory=dict)
    _planned: int = 0
    _leaked: int = 0

    async def play(self) -> Story:
        """Play it from its first day to its last.

        Raises:
            ReportBug: something came out otherwise than the year has it.
            RunbookError: a step could not be run at all.
        """
        self._engineer = self.year.engineer
        self._pace = rehearsal_cloud(Path(self.cloud.directory)).pace
        self._outside = Outside(self.cloud)
        began = dates.now()
        await self._set_up()
        await self._link_everybody()
        for week in range(1, self.year.weeks + 1):
            monday = began + week * _WEEK
            if (deed := self.year.deeds.get(week)) is not None:
                await self._until(monday - _DEED)
                await self._do(deed)
            await self._until(monday)
            await self._check(week)
        self._hand_over("the year's end")
        return Story(
            began=began,
            ended=dates.now(),
            accounts=tuple(one.name for one in self.year.accounts),
            customers=sum(len(one.customers) for one in self.year.accounts),
            left=tuple(self._left),
            happenings=tuple(self._happenings),
            interruptions=tuple(self._interruptions),
            checks=tuple(self._checks),
            planned=self._planned,
            leaked=self._leaked,
            documents=tuple(self._documents),
        )

    async def _until(self, moment: datetime) -> None:
        await self._pace.sleep((moment - dates.now()).total_seconds())

    # --- the beginning ------------------------------------------------------------------------

    async def _set_up(self) -> None:
        names = [one.name for one in self.year.accounts]
        folder = self.folder / "set-up"
        runs = await play(
            self.workspace,
            self.cloud,
            names,
            SETUP_STEPS,
            "apply",
            folder,
            began=_quiet,
            ended=_quiet,
            acted=self.acted,
        )
        latest = {run.key: run for run in runs}
        _expect(exit_code(list(latest.values())), 0, "setting up")
        engineer = self._name(self._engineer)
        self._tell(
            _PROGRAM,
            f"registered an application for each of the accounts {named(names)}, made a client"
            " secret for each, and added the permissions that Codat needs.",
            command=", ".join(f"bcrunbook run {one} --mode apply" for one in names),
        )
        self._tell(
            engineer,
            f"typed the secrets into the Codat Portal and enabled Business Central for"
            f" {named(names)}.",
            "good",
        )

    async def _link_everybody(self) -> None:
        words = ("batch", "--mode", "apply")
        _expect(await self.give(words), _NEEDS_PERSON, "the batch before linking")
        for account in self.year.accounts:
            for one in account.customers:
                self.acted(await link_customer(self.workspace, self.cloud, account.name, one.name))
        began = dates.now()
        await self._pace.sleep(_UNTIL_LINKED)
        _expect(await self.give(words), 0, "the batch after linking")
        count = sum(len(one.customers) for one in self.year.accounts)
        minutes = round((dates.now() - began).total_seconds() / 60)
        self._tell(
            f"{count} customers",
            "opened the link that they were sent, and approved it.",
        )
        self._tell(
            _PROGRAM,
            f"followed the installations at all {count} until each was there: {minutes} minutes.",
            "good",
            command="bcrunbook batch --mode apply",
        )

    # --- what happens -------------------------------------------------------------------------

    async def _do(self, deed: Deed) -> None:
        match deed:
            case Removed():
                await self._removed(deed)
            case Leaked():
                await self._leak(deed)
            case Replaced():
                self._replaced(deed)

    async def _removed(self, deed: Removed) -> None:
        """Nobody is told: the next check sees it."""
        customer = self.workspace.customer(deed.account, deed.customer)

        def act() -> None:
            if deed.what == "application":
                self._outside.remove_application(
                    customer.contact, self._latest_secret(deed.account).data["client_id"]
                )
            else:
                self._outside.uninstall(customer.contact, customer.environment or "", PUBLISHER)

        await self._outside_of(act)
        self._open[deed.account, deed.customer] = dates.now(), deed
        what = {
            "application": "removed the application from their Microsoft tenant, and with it their"
            " consent.",
            "extension": "removed App Link, Codat's extension, from their Business Central.",
        }[deed.what]
        self._tell(
            f"An administrator at {customer.display_name}",
            f"{what} Nobody else knew.",
            "trouble",
        )

    async def _leak(self, deed: Leaked) -> None:
        marker = self._latest_secret(deed.account).subject
        who = f"{deed.by[0].upper()}{deed.by[1:]}"
        self._tell(who, f"found the client secret of {deed.account} {deed.where}.", "trouble")
        noticed = dates.now()
        runs = await self._rotate(deed.account, "leak", str(Replacement(marker, True)))
        began = dates.now()
        command = f"bcrunbook rotate {deed.account} --secret {marker} --leaked --mode apply"
        self._tell(
            self._name(self._engineer),
            "removed the leaked secret at once, and made the next one. From then on Codat could not"
            f" read the customers of {deed.account}.",
            command=command,
        )
        await self._pace.sleep(_AFTER_A_LEAK)
        await self._save(runs)
        ended = dates.now()
        self._tell(
            self._name(self._engineer),
            "typed the new secret into the Codat Portal. Data flow again.",
            "good",
        )
        last = await self._rotate(deed.account, "leak-after", str(Replacement(marker, True)))
        _expect(exit_code(last), 0, "what follows a leak")
        self._leaked += 1
        self._interruptions.append(
            Interruption(
                whose=f"all customers of {deed.account}",
                account=deed.account,
                began=began,
                noticed=noticed,
                noticed_by=deed.by,
                why="the client secret had leaked and was removed",
                ended=ended,
                mended_by=f"{self._name(self._engineer)}, who saved a new secret in the Codat"
                " Portal",
                is_everybody=True,
            )
        )

    def _replaced(self, deed: Replaced) -> None:
        before, self._engineer = self._name(deed.before), deed.after
        after = self._name(deed.after)
        self._tell(before, f"{deed.reason}. {after} takes over.")
        self._hand_over(f"{after}'s first day")
        self._tell(
            after,
            "reads on one page what there is, what ends when and what is open. No secret is on it.",
            "good",
            command="bcrunbook handover",
        )

    # --- what is noticed ----------------------------------------------------------------------

    async def _check(self, week: int) -> None:
        await self._outside_of(self._sync)
        await self._pace.sleep(_SYNCED)
        names = list(self.workspace.accounts)
        at = dates.now()
        outcomes = await check_accounts(self.workspace, names, began=_quiet)
        found = [(one, change) for one in outcomes for change in one.hand_offs]
        self._checks.append(WeeklyCheck(at, tuple(change.title for _, change in found)))
        if any(one.error for one in outcomes):
            raise _otherwise(f"the check of week {week} failed")
        for outcome in outcomes:
            await self._see_to(week, outcome)
        if found:
            again = await check_accounts(self.workspace, names, began=_quiet)
            left = [change.title for one in again for change in one.hand_offs]
            if left or any(one.error for one in again):
                raise _otherwise(f"week {week}: the check still finds {left}")

    def _sync(self) -> None:
        for account in self.workspace.accounts.values():
            self._outside.sync(account.codat_instance or "", COMPANY)

    async def _see_to(self, week: int, outcome: Outcome) -> None:
        """Do what the check of an account hands to people, and nothing else."""
        account = outcome.account
        parts = customer_parts(self.workspace.account(account))
        customers = {part: one for one, part in parts.items() if (account, one) in self._open}
        found = {change.key: change.title for change in outcome.hand_offs}
        if ends := found.pop(END_OF_SECRET, ""):
            # That the secret is to be replaced, the look at the secret itself says as well.
            found.pop(step_named(CLIENT_SECRET).description.checked_as, "")
            await self._replace_in_time(week, account, ends)
        for key in [*found]:
            if key in customers:
                found.pop(key)
                await self._ask(week, account, customers[key])
        if found:
            raise _otherwise(f"week {week}: the check of {account} found {[*found.values()]}")

    async def _replace_in_time(self, week: int, account: str, title: str) -> None:
        ends = title.partition(": ")[2]
        self._tell(
            "The weekly check",
            f"says that the client secret of {account} ends on {ends}.",
            command="bcrunbook check --all",
        )
        runs = await self._rotate(account, f"week-{week:02}")
        self._tell(
            _PROGRAM,
            "made the next secret and tried it. The old one worked on.",
            command=f"bcrunbook rotate {account} --mode apply",
        )
        await self._pace.sleep(_PERSON_COMES)
        await self._save(runs)
        words = ("batch", account, "--rotate-before", "60", "--mode", "apply")
        _expect(await self.give(words), 0, f"the end of the replacement in week {week}")
        self._planned += 1
        self._tell(
            self._name(self._engineer),
            "typed it into the Codat Portal, and the program removed the old one. Data never"
            " stopped.",
            "good",
            command=f"bcrunbook {' '.join(words)}",
        )

    async def _ask(self, week: int, account: str, name: str) -> None:
        """A customer is asked what has happened; they link again, or say that they have left."""
        began, deed = self._open.pop((account, name))
        customer = self.workspace.customer(account, name)
        noticed = dates.now()
        stopped = {
            "application": "withdrew their consent",
            "extension": "removed App Link",
        }[deed.what]
        self._tell(
            "The weekly check",
            f"says that {customer.display_name} cannot be read any more: they {stopped}.",
            "trouble",
            command="bcrunbook check --all",
        )
        await self._pace.sleep(_PERSON_COMES)
        engineer = self._name(self._engineer)
        interruption = Interruption(
            whose=customer.display_name,
            account=account,
            began=began,
            noticed=noticed,
            noticed_by="the weekly check",
            why=f"an administrator of theirs {stopped}",
            ended=None,
            mended_by=f"nobody: {deed.reason}",
        )
        if deed.leaves:
            self._tell(engineer, f"asked {customer.display_name}: {deed.reason}.")
            await self._retire(account, name)
            self._left.append(customer.display_name)
            self._interruptions.append(interruption)
            return
        self.acted(await link_customer(self.workspace, self.cloud, account, name))
        await self._pace.sleep(_UNTIL_LINKED)
        runs = await run_customers(
            self.workspace,
            account,
            [name],
            [step_named(LINK_CUSTOMER)],
            "apply",
            self.folder / f"week-{week:02}" / account,
            began=_quiet,
            ended=_quiet,
        )
        _expect(exit_code(runs), 0, f"linking {name} again")
        self._tell(
            engineer,
            f"asked {customer.display_name}: {deed.reason}. They approved it again, and data flow.",
            "good",
            command=f"bcrunbook link {account} {name}",
        )
        self._interruptions.append(
            replace(
                interruption,
                ended=dates.now(),
                mended_by=f"{customer.display_name}, who approved it again; {engineer} had asked"
                " them",
            )
        )

    async def _retire(self, account: str, name: str) -> None:
        """A customer has left: their connection is cut, and they are told what is theirs to do."""
        words = ("retire", account, "--customer", name, "--name", account, "--mode", "apply")
        _expect(await self.give(words), _NEEDS_PERSON, f"retiring {name}")
        self._tell(
            _PROGRAM,
            "cut the connection in Codat: nothing of theirs is read any more. What was read until"
            " then stays.",
            command=f"bcrunbook {' '.join(words)}",
        )
        await self._pace.sleep(_PERSON_COMES)
        engineer = self._name(self._engineer)
        said = ("confirm", account, RETIRE_CUSTOMER, "--customer", name, "--by", engineer)
        _expect(await self.give(said), 0, f"saying that {name} was told")
        _expect(await self.give(words), 0, f"the end of retiring {name}")
        self._tell(
            engineer,
            "wrote to them what they may remove of App Link and of the application.",
            "good",
            command=f"bcrunbook {shlex.join(said)}",
        )

    # --- how it is done -----------------------------------------------------------------------

    async def _rotate(self, account: str, name: str, asked: str = "") -> list[StepRun]:
        return await run_account(
            self.workspace,
            account,
            [step_named(ROTATE_SECRET)],
            "apply",
            self.folder / name / account,
            began=_quiet,
            ended=_quiet,
            wish=asked,
        )

    async def _save(self, runs: Sequence[StepRun]) -> None:
        """The engineer does what the cards of a replacement say."""
        handed = [
            (run, change, part)
            for run in runs
            for change in run.hand_offs
            if (part := part_of(run, change)) is not None
        ]
        if not handed:
            raise _otherwise("a replacement handed nothing to a person")
        for run, change, part in handed:
            self.acted(await act(self.workspace, self.cloud, run, change, part, by=self._engineer))

    def _latest_secret(self, account: str) -> Any:
        scope = Scope(self.workspace.account(account).identity, CLIENT_SECRET)
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            found = ledger.latest(scope, FactKind.SECRET_STORED)
        if found is None:
            raise _otherwise(f"no secret of {account} is known")
        return found

    def _hand_over(self, when: str) -> None:
        accounts = list(self.workspace.accounts.values())
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            found = handover_of(ledger, accounts, self.workspace.root)
        page, _ = write_handover(self.folder / f"handover-{len(self._documents) + 1}", found)
        address = page.relative_to(self.folder).as_posix()
        self._documents.append(Document(address, f"The handover of {when}"))

    async def _outside_of(self, act: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(act)
        except (UnexpectedPage, OSError, KeyError, json.JSONDecodeError) as problem:
            raise _otherwise(f"somebody else could not do their part ({problem})") from None

    def _name(self, email: str) -> str:
        users = self.cloud.codat["users"]
        return next((str(one["name"]) for one in users if one["email"] == email), email)

    def _tell(self, who: str, what: str, tone: Tone = "plain", *, command: str = "") -> None:
        self._happenings.append(Happening(dates.now(), who, what, tone, command))
        self.acted(f"{dates.now():%d %b %Y}  {who}: {what}")


def _quiet(*_: object) -> None:
    """Nobody looks on: there are too many."""


def _expect(code: int, wanted: int, what: str) -> None:
    if code != wanted:
        raise _otherwise(f"{what} ended with code {code}, not {wanted}")


def _otherwise(what: str) -> ReportBug:
    return ReportBug(
        f"The year came out otherwise: {what}.",
        where="the rehearsal of a year",
        next="report this with the folder of the rehearsal",
    )
