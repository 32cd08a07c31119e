"""`bcrunbook lab`: the notebooks in JupyterLab, with the rehearsal cloud beside it if asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.accounts.model import FILE_NAME
from bcrunbook.cli import options, output
from bcrunbook.errors import FixInput
from bcrunbook.run.lab.start import starting_lab
from bcrunbook.run.layout import lay_out_notebooks

if TYPE_CHECKING:
    from bcrunbook.rehearsal import RehearsalDescription


def lab(
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", help="Open a rehearsal, with the rehearsal cloud beside it."),
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="Where the rehearsal goes. Default: rehearsal, in this folder."),
    ] = None,
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
    _check_words(workspace, directory, rehearse=rehearse)
    folder = (directory or Path("rehearsal")).absolute()
    root = folder / "workspace" if rehearse else _workspace(workspace)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ending_in_order())
        jupyter = stack.enter_context(starting_lab(root, port=port, browser=not no_browser))
        cloud = _rehearsal(stack, folder) if rehearse else None
        lay_out_notebooks(root)
        _print_address(jupyter.ready(), root, cloud, as_json=as_json)
        with contextlib.suppress(KeyboardInterrupt):  # that is how it is ended
            jupyter.wait()
        # Before the rehearsal cloud, to which its kernels may be talking.
        jupyter.end()


def _check_words(workspace: Path | None, directory: Path | None, *, rehearse: bool) -> None:
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


def _rehearsal(stack: contextlib.ExitStack, directory: Path) -> RehearsalDescription:
    # Read only when asked for, and while JupyterLab starts.
    from bcrunbook.run.rehearse.workspace import STANDARD, prepare, running_cloud

    cloud = stack.enter_context(running_cloud(directory))
    asyncio.run(prepare(directory, cloud, STANDARD))
    return cloud


def _workspace(named: Path | None) -> Path:
    """The workspace that is meant. Mistakes in its accounts.toml are for the notebooks to tell."""
    root = find_workspace(named)
    if not (root / FILE_NAME).is_file():
        load(root)
    return root


def _print_address(
    url: str, root: Path, cloud: RehearsalDescription | None, *, as_json: bool
) -> None:
    if as_json:
        print(json.dumps({"url": url, "rehearsal": cloud is not None}), flush=True)
        return
    output.say(f"JupyterLab runs on {root}. Ctrl-C ends it.")
    if cloud is not None:
        output.say(
            "This is a rehearsal: the notebooks talk to the rehearsal cloud on this machine, and"
            " nothing real is touched."
            f" Its pages (sign-in, Codat Portal, Codat Link) are at"
            f" {cloud.pages}; names and passwords for them stand in"
            f" {Path(cloud.directory) / 'rehearsal.json'}."
        )
    print(url, flush=True)


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
