"""`bcrunbook rehearse --year`: a year in minutes, told as a story."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from bcrunbook.accounts import Workspace
from bcrunbook.cli import output
from bcrunbook.cli.ending import print_address
from bcrunbook.errors import FixInput
from bcrunbook.run.engine.processes import prepare as prepare_processes
from bcrunbook.run.folders import run_folder
from bcrunbook.run.rehearse.workspace import prepare, running_cloud
from bcrunbook.run.rehearse.year.cast import STANDARD_YEAR, Year
from bcrunbook.run.rehearse.year.page import summary, write_year
from bcrunbook.run.rehearse.year.play import YearPlay, beginning
from bcrunbook.skipped import dates
from bcrunbook.views.span import span

_COMMANDS: Final = "commands.log"


def rehearse_year(
    directory: Path, lags: str, *, verbose: bool, as_json: bool, year: Year = STANDARD_YEAR
) -> int:
    """Play a year that ends today, and write its page.

    Args:
        directory: where everything goes; nothing may be there yet, as dates go on in it.
        lags: how new things lag, by a profile's name.
        verbose: whether everything that happens is said as it does.
        as_json: whether the end is data.
        year: what the year is made of.

    Returns:
        The exit code: 0, as a year that comes out otherwise raises.

    Raises:
        FixInput: something is there already.
        RunbookError: the year came out otherwise.
    """
    if directory.exists() and any(directory.iterdir()):
        raise FixInput(
            "A year begins in a new folder, and something is in this one.",
            where=str(directory),
            next="name another one with --dir, or remove it if it holds nothing that you need",
        )
    began = time.monotonic()
    prepare_processes()
    output.say(f"Starting a year in {directory}; it takes a few minutes.")
    said = output.say if verbose else _quiet
    now = dates.now()
    ahead = (beginning(year, now) - now).total_seconds()
    with running_cloud(directory, lags=lags, dates_ahead=ahead) as cloud:
        workspace = asyncio.run(prepare(directory, cloud, year.accounts))
        folder = run_folder(workspace.root)
        folder.mkdir(parents=True)
        play = YearPlay(workspace, cloud, year, folder, _Giving(workspace, folder), said)
        story = asyncio.run(play.play())
    page = write_year(folder, story)
    seconds = time.monotonic() - began
    if as_json:
        output.print_json({"exit_code": 0, "report": str(page), "summary": summary(story)})
    else:
        output.say(f"{summary(story)}\n\nThe year took {span(timedelta(seconds=seconds))}.")
        print_address(page)
    return 0


def _quiet(text: str) -> None:
    """The page tells it."""


class _Giving:
    """Gives commands in processes of their own, whose words go into a file."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._root = workspace.root
        self._log = folder / _COMMANDS

    async def __call__(self, words: Sequence[str]) -> int:
        program = [sys.executable, "-P", "-c", "from bcrunbook.cli import main; main()"]
        with self._log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *program, *words, "--workspace", str(self._root), stdout=log, stderr=log
            )
            return await child.wait()
