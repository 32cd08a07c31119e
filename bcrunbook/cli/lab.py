"""`bcrunbook lab`: the notebooks in JupyterLab, with the rehearsal cloud beside it if asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bcrunbook.cli import options, output
from bcrunbook.errors import FixInput

if TYPE_CHECKING:
    from bcrunbook.rehearsal import RehearsalDescription

# Not the folder that `rehearse` fills: who wants to do it by hand wants to find it undone.
_REHEARSAL: Final = "rehearsal-lab"
# Somebody looks on: an installation lasts about half a minute.
_SPEED: Final = 30.0


def lab(
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Open a rehearsal, with the rehearsal cloud beside it."),
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", help=f"Where the rehearsal goes. Default: {_REHEARSAL}, in this folder."
        ),
    ] = None,
    start_over: Annotated[
        bool,
        typer.Option(
            "--start-over", help="Remove the rehearsal that is there first, if you say so."
        ),
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address only.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The port to use. Default: a free one, from 8888 on."),
    ] = None,
    workspace: options.Workspace = None,
    as_json: options.Json = False,
) -> None:
    """Open the notebooks in JupyterLab, until Ctrl-C.

    They are the workspace's own. Those that it lacks are laid out first; none is overwritten.

    In a notebook, Shift+Enter runs a cell and goes on to the next, and Run > Run All Cells runs
    all. Nothing is changed before you press Apply. It opens within seconds; an account takes about
    15 minutes of yours, and whatever other people take.
    """
    _check_words(workspace, directory, rehearse=rehearse, start_over=start_over)
    folder = (directory or Path(_REHEARSAL)).absolute()
    root = folder / "workspace" if rehearse else _workspace(workspace)
    goes_on = rehearse and _goes_on(folder, start_over=start_over)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ending_in_order())
        output.say("Starting JupyterLab.")
        # Read here, as JupyterLab's start is what a person waits for; the rest is read meanwhile.
        from bcrunbook.run.lab.start import starting_lab

        jupyter = stack.enter_context(starting_lab(root, port=port, browser=not no_browser))
        from bcrunbook.run.layout import lay_out_notebooks

        lay_out_notebooks(root)
        cloud = _rehearsal(stack, folder) if rehearse else None
        url = jupyter.ready()
        if as_json:
            print(json.dumps({"url": url, "rehearsal": cloud is not None}), flush=True)
        else:
            _say_what_opens(root, cloud, in_browser=not no_browser, goes_on=goes_on)
            print(url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):  # that is how it is ended
            jupyter.wait()
        # Before the rehearsal cloud, to which its kernels may be talking.
        jupyter.end()


def _check_words(
    workspace: Path | None, directory: Path | None, *, rehearse: bool, start_over: bool
) -> None:
    if rehearse and workspace is not None:
        raise FixInput(
            "A rehearsal has a workspace of its own.",
            where="--rehearse and --workspace",
            next="leave one of them out; --dir says where the rehearsal goes",
        )
    if directory is not None and not rehearse:
        raise FixInput(
            "Only a rehearsal has a folder of its own.",
            where="--dir without --rehearse",
            next="add --rehearse, or name the workspace with --workspace",
        )
    if start_over and not rehearse:
        raise FixInput(
            "Only a rehearsal can be started over.",
            where="--start-over without --rehearse",
            next="add --rehearse",
        )


def _goes_on(folder: Path, *, start_over: bool) -> bool:
    """Whether there is a rehearsal to go on with; it is removed before if the person says so."""
    from bcrunbook.run.rehearse.start_over import check, is_begun, remove

    if start_over and folder.exists():
        check(folder)
        question = f"Remove {folder} with all that was rehearsed in it?"
        if typer.confirm(question, default=False, err=True):
            remove(folder)
        else:
            raise typer.Exit(0)
    return is_begun(folder)


def _rehearsal(stack: contextlib.ExitStack, directory: Path) -> RehearsalDescription:
    # Read only when asked for, and while JupyterLab starts.
    from bcrunbook.run.rehearse.workspace import STANDARD, prepare, running_cloud

    cloud = stack.enter_context(running_cloud(directory, _SPEED))
    asyncio.run(prepare(directory, cloud, STANDARD))
    return cloud


def _workspace(named: Path | None) -> Path:
    """The workspace that is meant. Mistakes in its accounts.toml are for the notebooks to tell."""
    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.accounts.model import FILE_NAME

    root = find_workspace(named)
    if not (root / FILE_NAME).is_file():
        load(root)
    return root


def _say_what_opens(
    root: Path, cloud: RehearsalDescription | None, *, in_browser: bool, goes_on: bool
) -> None:
    """What opens, and how to end it: a line, and two more about a rehearsal."""
    opens = "opens in your browser" if in_browser else "is at the address below"
    output.say(f"The first notebook of {root} {opens}. Ctrl-C here ends it.")
    if cloud is None:
        return
    begun = (
        "It goes on where it was left; --start-over begins afresh."
        if goes_on
        else "Run this again to go on with it, or with --start-over to begin afresh."
    )
    output.say(f"This is a rehearsal on this machine: nothing real is touched. {begun}")
    people = Path(cloud.directory) / "rehearsal.json"
    output.say(
        f"Its sign-in, Codat Portal and Codat Link: {cloud.pages} (names and passwords: {people})"
    )


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Ctrl-C, a request to end or a closed terminal interrupts once; what then ends is left to."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # nohup and its like have asked for some of them to be ignored.
    heeded = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]

    def interrupt(*_: Any) -> None:
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
