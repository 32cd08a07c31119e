"""One world from its beginning to its rest: commands, people, others, kills."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import PASSED, Outcome
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from bcrunbook.steps.client_secret.stored import stored_last
from tests.simulation import program
from tests.simulation.drawing import Deed, Doing, Drawn
from tests.simulation.others import Others
from tests.simulation.people import People
from tests.simulation.processes import Died, Machine
from tests.simulation.standin import Records, StandIn

_MOST_COMMANDS: Final = 14
_SCRIPTS_END: Final = 3600.0
_DAY: Final = 86400.0

States = dict[tuple[str, str, str], str]


class NoRest(Exception):
    """Something still changes after so many commands."""


@dataclass
class World:
    """A world that is being played.

    Args:
        drawn: what it is like.
        folder: its files.
        cloud: its cloud.
        machine: where its commands run.
        workspace: what the commands are about.
        people: who does what cards say.
        others: who does other things.
        said: what happened, in words.
        before: what the cloud held at first.
        logged: what was logged.
        broke: what the stand-in could not answer, and what the scrubber had to mask.
        began: when it began, by the machine's clock, in seconds since the epoch.
        is_broken_off: whether the last command was killed.
        is_checked: whether one more command has been given since anything changed.
        ends: how each step ended in that last command, or before; after what somebody else did
            before the check, of those only that have been run since.
        last: how many requests were made before the command that is to change nothing.
        checked: what the check of everything came to, an outcome for each account; empty where
            nobody has given it.
        drifted: what somebody else did before it.
        drifted_at: when, in seconds since the epoch.
        before_check: how each step had ended then.
        asked_by_check: the first of its requests, and the first after it.
        is_retired: whether the trial was retired in the end, as far as that went.
    """

    drawn: Drawn
    folder: Path
    cloud: StandIn
    machine: Machine
    workspace: Workspace
    people: People
    others: Others
    said: list[str] = field(default_factory=list)
    before: Records = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)
    broke: list[str] = field(default_factory=list)
    last: int = 0
    began: float = field(default_factory=time.time)
    is_broken_off: bool = False
    is_checked: bool = False
    ends: States = field(default_factory=dict)
    checked: list[Outcome] = field(default_factory=list)
    drifted: Deed | Literal[""] = ""
    drifted_at: float = 0.0
    before_check: States = field(default_factory=dict)
    asked_by_check: tuple[int, int] = (0, 0)
    is_retired: bool = False

    def __post_init__(self) -> None:
        self._worker_deaths = list(self.drawn.worker_deaths)
        by = self.drawn.other_ahead
        self.other = Machine("other machine", by) if by is not None else None

    @property
    def machines(self) -> list[Machine]:
        """Where commands are given."""
        return [self.machine, *([self.other] if self.other is not None else [])]

    @property
    def states(self) -> States:
        """How each step ended last, by account, customer and step."""
        return self._states_since(0.0)

    def _states_since(self, at: float) -> States:
        """The same of the steps that have been run since an instant."""
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            return {
                (one.account, one.customer or "", one.step): _settled(one.state)
                for account in self.workspace.accounts.values()
                for one in ledger.standings(account.identity)
                if one.at.timestamp() >= at
            }

    async def play(self) -> None:
        """From its beginning to its rest.

        Raises:
            NoRest: it does not come to one.
        """
        deaths = len(self.drawn.deaths), len(self.drawn.step_deaths)
        troubled = max((0, *deaths, *(one.command + 1 for one in self.drawn.doings)))
        is_troubled = bool(self.drawn.faults) or self.other is not None
        await self._until_rest(troubled=troubled or int(is_troubled))
        if self.drawn.leap:
            self.said.append(f"{self.drawn.leap} days pass")
            await asyncio.sleep(self.drawn.leap * _DAY)
            await self._until_rest(troubled=0)
        if not self.is_checked:
            await self._once_more()
        if self.drawn.checked_after:
            await self._check()
        if self.drawn.ending:
            await self._end()

    async def _check(self) -> None:
        """Days later, the check of everything; what it finds is seen to."""
        self.said.append(f"{self.drawn.checked_after} days pass")
        await asyncio.sleep(self.drawn.checked_after * _DAY)
        self.before_check = self.states
        if self.drawn.drift and self.others.do(self.drawn.drift):
            self.drifted, self.drifted_at = self.drawn.drift, time.time()
            # What is being told to all machines may be seen late.
            await asyncio.sleep(_SCRIPTS_END)

        async def check() -> None:
            self.checked = await program.check(self.workspace)

        asked = len(self.cloud.requests.lines)
        await self._give("check", check())
        self.said += [f"  it finds: {one.account}: {one.summary}" for one in self.checked]
        self.asked_by_check = asked, len(self.cloud.requests.lines)
        has_changed = set(self.before_check.values()) <= PASSED and any(
            one.state not in PASSED for one in self.checked
        )
        if self.drifted or has_changed:
            await self._until_rest(troubled=0)
            if not self.is_checked:
                await self._once_more()

    async def _end(self) -> None:
        """The trial's secret is replaced, or it is retired, and in some worlds taken up again."""
        trial = self.workspace.account("trial")
        if self.drawn.ending == "rotated":
            with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
                stored = stored_last(ledger, trial.identity)
            if stored is not None:
                work = partial(program.rotate, secret=stored.subject)
                await self._ending_until_rest("rotate trial", work)
            return
        await self._ending_until_rest("retire trial", program.retire)
        self.is_retired = True
        # Those are secrets of ours: all of them go, also where nobody has the value.
        self.others.lost.clear()
        if self.drawn.ending == "restored":
            await self._ending_until_rest("restore trial", program.restore)
            self.is_retired = False
            # All that was removed is made again.
            self.drawn = replace(self.drawn, steps=())
            await self._until_rest(troubled=0)
            if not self.is_checked:
                await self._once_more()

    async def _ending_until_rest(
        self, command: str, work: Callable[[Workspace, str], program.Work]
    ) -> None:
        """Give a command that ends something until nothing changes; once more writes nothing."""
        drawn, before = self.drawn, States()
        deaths = len(drawn.ending_deaths), len(drawn.ending_step_deaths)
        troubled = max((0, *deaths, int(bool(drawn.ending_faults))))
        trial = self.workspace.account("trial")
        reads = drawn.ending == "rotated" and self.others.codat_reads(trial)
        self.cloud.trouble(drawn.ending_faults)
        for number in range(_MOST_COMMANDS):
            is_troubled = number < troubled
            if number == troubled:
                self.cloud.calm()
            self.is_broken_off = False
            await self._give(
                command,
                work(self.workspace, "trial"),
                self._death(drawn.ending_deaths, number),
                self._death(drawn.ending_step_deaths, number),
            )
            if reads and not self.others.codat_reads(trial):
                self.broke.append("Codat has no secret that works, while it is replaced")
            acted = await self.people.act(ending=True)
            now = self.states
            if now == before and not (is_troubled or acted or self.is_broken_off):
                break
            before = now
            await asyncio.sleep(drawn.pause)
        else:
            raise NoRest(f"{command} still changes something after {_MOST_COMMANDS} commands")
        self.last = len(self.cloud.requests.lines)
        await self._give(f"{command} once more", work(self.workspace, "trial"))
        if self.states != before:
            raise NoRest(
                f"{command} once more changes {set(self.states.items()) ^ set(before.items())}"
            )

    async def _once_more(self) -> None:
        """One more command, which is to change nothing."""
        self.last = len(self.cloud.requests.lines)
        before = self.states
        await self.command()
        self.is_checked = True
        now, self.ends = self.states, self._states_since(self.drifted_at)
        if now != before:
            changed = set(now.items()) ^ set(before.items())
            raise NoRest(f"one more command changes {changed}")

    @property
    def _is_left_alone(self) -> bool:
        """Whether nothing changes but by commands."""
        return not (self.drawn.customers or self.drawn.doings or any(self.people.typos.values()))

    async def _until_rest(self, *, troubled: int) -> None:
        before: States = {}
        was_killed = acted = False
        self.is_checked = False
        for number in range(_MOST_COMMANDS):
            if number == troubled:
                self.cloud.calm()
                # Whatever went wrong: if all is said to be done, it is.
                is_at_rest = self._is_left_alone and not (was_killed or acted)
                if is_at_rest and set(before.values()) == {"done"}:
                    await self._once_more()
                    return
            is_troubled = number < troubled
            doings = self._doings(number) if is_troubled else []
            await self.command(
                self._death(self.drawn.deaths, number) if is_troubled else 0,
                self._death(self.drawn.step_deaths, number) if is_troubled else 0,
                elsewhere=is_troubled,
            )
            await asyncio.gather(*doings)
            if not is_troubled:
                self.people.are_careful()
            acted = await self.people.act()
            now = self.states
            is_still = now == before or set(now.values()) <= PASSED
            if is_still and not (is_troubled or acted or was_killed):
                return
            # What is taken up again has looked at a part only.
            before, was_killed = now, self.is_broken_off
            await asyncio.sleep(self.drawn.pause if is_troubled else self._until_scripts_end)
        raise NoRest(f"something still changes after {_MOST_COMMANDS} commands")

    @property
    def _until_scripts_end(self) -> float:
        """Seconds after which nothing happens at a customer's any more by itself."""
        return _SCRIPTS_END if self.drawn.customers else self.drawn.pause

    def _doings(self, number: int) -> list[asyncio.Task[None]]:
        async def do(doing: Doing) -> None:
            await asyncio.sleep(doing.after)
            self.others.do(doing.deed)

        return [
            asyncio.get_running_loop().create_task(do(one))
            for one in self.drawn.doings
            if one.command == number
        ]

    @staticmethod
    def _death(deaths: tuple[int, ...], number: int) -> int:
        """When the process of a command dies; 0 where it lives."""
        return deaths[number] if number < len(deaths) else 0

    async def command(
        self, dies_at: int = 0, dies_at_step: int = 0, *, elsewhere: bool = False
    ) -> None:
        """Give the command once, for everything that there is.

        Args:
            dies_at: at which door its process is killed; 0 for never.
            dies_at_step: the same for steps.
            elsewhere: whether it is given on the other machine as well, if there is one.
        """
        self.is_broken_off = False
        if self.drawn.is_batch:
            executor = program.InProcess(self.machine, self._worker_deaths)
            await self._give(
                "batch", program.batch(self.workspace, executor), dies_at, dies_at_step
            )
            return
        for name in self.workspace.accounts:
            ran, work = f"run {name}", program.run(self.workspace, name, self.drawn.steps)
            given = [self._give(ran, work, dies_at, dies_at_step)]
            if elsewhere and self.other is not None:
                same = program.run(self.workspace, name, self.drawn.steps)
                given.append(self._give_later(f"{ran} elsewhere", same))
            await asyncio.gather(*given)
            dies_at = dies_at_step = 0

    async def _give_later(self, command: str, work: program.Work) -> None:
        """Give a command on the other machine."""
        await asyncio.sleep(self.drawn.other_after)
        await self._give(command, work, on=self.other)

    async def _give(
        self,
        command: str,
        work: program.Work,
        dies_at: int = 0,
        dies_at_step: int = 0,
        *,
        on: Machine | None = None,
    ) -> None:
        process = (on or self.machine).start(
            command, dies_at=dies_at or None, dies_at_step=dies_at_step or None
        )
        try:
            await process.run(work)
            how = f"came to its end at door {process.passed}"
        except Died:
            self.is_broken_off = True
            how = f"was killed at door {process.passed}, step {process.stepped}"
        except RunbookError as error:
            how = f"was refused: {error.what}"
        self.said.append(f"{command} {how}")


def _settled(state: str) -> str:
    """A state, where having been changed and having been found in order is the same."""
    return "done" if state in PASSED else state
