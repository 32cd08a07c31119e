"""`bcrunbook lab`: the notebooks in JupyterLab, and a rehearsal cloud beside it if wanted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcrunbook.cli import options, output

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
    """Open the workspace's notebooks in JupyterLab, until Ctrl-C.

    Notebooks that the workspace lacks are laid out first; none is overwritten.
    """
    from bcrunbook.run.lab.start import starting_lab
    from bcrunbook.run.layout import lay_out_notebooks

    _check_words(workspace, directory, rehearse=rehearse)
    folder = (directory or Path("rehearsal")).absolute()
    root = folder / "workspace" if rehearse else _workspace(workspace)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ending_in_order())
        jupyter = stack.enter_context(starting_lab(root, port=port, browser=not no_browser))
        told = _rehearsal(stack, folder) if rehearse else None
        lay_out_notebooks(root)
        _tell(jupyter.ready(), root, told, as_json=as_json)
        with contextlib.suppress(KeyboardInterrupt):  # that is how it is ended
            jupyter.wait()
        # Before the rehearsal cloud, to which its kernels may be talking.
        jupyter.end()


def _check_words(workspace: Path | None, directory: Path | None, *, rehearse: bool) -> None:
    from bcrunbook.errors import FixInput

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
    from bcrunbook.run.rehearse.workspace import STANDARD, prepare, running_cloud

    told = stack.enter_context(running_cloud(directory))
    asyncio.run(prepare(directory, told, STANDARD))
    return told


def _workspace(named: Path | None) -> Path:
    """The workspace that is meant. Mistakes in its accounts.toml are for the notebooks to tell."""
    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.accounts.model import FILE_NAME

    root = find_workspace(named)
    if not (root / FILE_NAME).is_file():
        load(root)
    return root


def _tell(url: str, root: Path, told: RehearsalDescription | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"url": url, "rehearsal": told is not None}), flush=True)
        return
    output.say(f"JupyterLab runs on {root}. Ctrl-C ends it.")
    if told is not None:
        output.say(
            "This is a rehearsal: the notebooks talk to the rehearsal cloud on this machine, and"
            " nothing real is touched."
            f" Its pages (sign-in, Codat Portal, Codat Link) are at"
            f" {told.pages}; names and passwords for them stand in"
            f" {Path(told.directory) / 'rehearsal.json'}."
        )
    print(url, flush=True)


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Ctrl-C, a request to end or a closed terminal interrupts once; what then ends is left to."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # nohup and its like have asked for some of them to be ignored.
    wanted = [one for one in known if signal.getsignal(one) is not signal.SIG_IGN]

    def interrupt(*_: Any) -> None:
        for one in wanted:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, interrupt) for one in wanted}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
