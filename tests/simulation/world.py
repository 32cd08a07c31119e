"""One world from its beginning to its rest: commands, people, others, kills."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import PASSED
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.store import open_ledger
from tests.simulation import program
from tests.simulation.drawing import Doing, Drawn
from tests.simulation.others import Others
from tests.simulation.people import People
from tests.simulation.processes import Died, Machine
from tests.simulation.standin import Records, StandIn

BETWEEN: Final = 90.0
"""Seconds from the end of a command to the next."""
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
        last: how many requests were made before the command that is to change nothing.
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

    def __post_init__(self) -> None:
        self._worker_deaths = list(self.drawn.worker_deaths)

    @property
    def states(self) -> States:
        """How each step ended last, by account, customer and step."""
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            return {
                (one.account, one.customer or "", one.step): _settled(one.state)
                for account in self.workspace.accounts.values()
                for one in ledger.standings(account.identity)
            }

    async def play(self) -> None:
        """From its beginning to its rest.

        Raises:
            NoRest: it does not come to one.
        """
        troubled = max((0, len(self.drawn.deaths), *(one.command + 1 for one in self.drawn.doings)))
        await self._until_rest(troubled=troubled or int(bool(self.drawn.faults)))
        if self.drawn.leap:
            self.said.append(f"{self.drawn.leap} days pass")
            await asyncio.sleep(self.drawn.leap * _DAY)
            await self._until_rest(troubled=0)
        self.last = len(self.cloud.requests.lines)
        before = self.states
        await self.command()
        if self.states != before:
            raise NoRest(
                f"one more command changes {set(self.states.items()) ^ set(before.items())}"
            )

    async def _until_rest(self, *, troubled: int) -> None:
        before: States = {}
        for number in range(_MOST_COMMANDS):
            if number == troubled:
                self.cloud.calm()
            is_troubled = number < troubled
            doings = self._doings(number) if is_troubled else []
            dies_at = self.drawn.deaths[number] if number < len(self.drawn.deaths) else 0
            await self.command(dies_at if is_troubled else 0)
            await asyncio.gather(*doings)
            if not is_troubled:
                self.people.are_careful()
            acted = await self.people.act()
            now = self.states
            if not is_troubled and not acted and (now == before or set(now.values()) <= PASSED):
                return
            before = now
            await asyncio.sleep(BETWEEN if is_troubled else self._until_scripts_end)
        raise NoRest(f"something still changes after {_MOST_COMMANDS} commands")

    @property
    def _until_scripts_end(self) -> float:
        """Seconds after which nothing happens at a customer's any more by itself."""
        return _SCRIPTS_END if self.drawn.customers else BETWEEN

    def _doings(self, number: int) -> list[asyncio.Task[None]]:
        async def do(doing: Doing) -> None:
            await asyncio.sleep(doing.after)
            self.others.do(doing.deed)

        return [
            asyncio.get_running_loop().create_task(do(one))
            for one in self.drawn.doings
            if one.command == number
        ]

    async def command(self, dies_at: int = 0) -> None:
        """Give the command once, for everything that there is.

        Args:
            dies_at: at which door its process is killed; 0 for never.
        """
        if self.drawn.is_batch:
            executor = program.InProcess(self.machine, self._worker_deaths)
            await self._give("batch", program.batch(self.workspace, executor), dies_at)
            return
        for name in self.workspace.accounts:
            await self._give(
                f"run {name}", program.run(self.workspace, name, self.drawn.steps), dies_at
            )
            dies_at = 0

    async def _give(self, command: str, work: program.Work, dies_at: int) -> None:
        process = self.machine.start(command, dies_at=dies_at or None)
        try:
            await process.run(work)
            how = f"came to its end at door {process.passed}"
        except Died:
            how = f"was killed at door {process.passed}"
        except RunbookError as error:
            how = f"was refused: {error.what}"
        self.said.append(f"{command} {how}")


def _settled(state: str) -> str:
    """A state, where having been changed and having been found in order is the same."""
    return "done" if state in PASSED else state
