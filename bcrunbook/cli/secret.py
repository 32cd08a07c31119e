"""`bcrunbook secret`: an account's client secret, from the store into a person's hands."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import Final

import typer

from bcrunbook.accounts import find_workspace, load
from bcrunbook.cli import options, output
from bcrunbook.errors import FixInput
from bcrunbook.ledger.store import open_ledger
from bcrunbook.secrets import clipboard
from bcrunbook.steps.client_secret.handover import copy_secret, note_handover
from bcrunbook.steps.client_secret.stored import StoredSecret, stored_secret
from bcrunbook.steps.opening import open_context

app = typer.Typer(no_args_is_help=True, help="An account's client secret, for a person's hands.")

_OTHER_SCREEN: Final = "\x1b[?1049h\x1b[H"
_FIRST_SCREEN: Final = "\x1b[?1049l"


@app.callback()
def secret() -> None:
    """An account's client secret, for a person's hands."""


@app.command()
def copy(
    account: options.Account, workspace: options.Workspace = None, as_json: options.Json = False
) -> None:
    """Put the client secret on the clipboard, and clear it again after a minute.

    It is shown nowhere. Ctrl-C clears it at once.
    """
    cleared = asyncio.run(_copy(workspace, account))
    if as_json:
        output.print_json({"account": account, "cleared": cleared})


async def _copy(workspace: Path | None, account: str) -> bool:
    """Copy, wait, clear; returns whether the secret was still there to be cleared."""
    loaded = load(find_workspace(workspace))
    seconds = round(clipboard.KEPT_SECONDS)
    async with open_context(loaded, loaded.account(account)) as context:
        _end_in_order()
        value = await copy_secret(context)
        # From here on there is something to clear, whatever ends the wait.
        try:
            output.say(
                f"The client secret of {account} is on the clipboard. It is cleared in {seconds}"
                " seconds; Ctrl-C clears it now."
            )
            await asyncio.sleep(clipboard.KEPT_SECONDS)
        except asyncio.CancelledError:
            pass  # Ctrl-C: clear at once, and end well
        finally:
            # Nothing may interrupt this: impatience would leave the secret where it is.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            was_there = await clipboard.clear(value)
            signal.signal(signal.SIGINT, before)
    output.say("Cleared." if was_there else "Something else is on the clipboard; it was left.")
    return was_there


def _end_in_order() -> None:
    """From here on a request to end, or a closed terminal, cancels what goes on, as Ctrl-C does."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    wanted = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    for one in filter(None, wanted):
        with contextlib.suppress(NotImplementedError):  # on Windows, which has no such requests
            loop.add_signal_handler(one, task.cancel)


@app.command()
def reveal(account: options.Account, workspace: options.Workspace = None) -> None:
    """Show the client secret on this terminal, after asking twice.

    For the rare case that it cannot be copied.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise FixInput(
            "A secret is shown on a terminal only, never into a file or a pipe. Nothing was shown.",
            where="bcrunbook secret reveal",
            next=f"type the command in a terminal, or use: bcrunbook secret copy {account}",
        )
    kept = asyncio.run(_stored(workspace, account))
    output.say(
        f"This shows the client secret of {account} (Value, marker {kept.marker}) in plain text."
        " Whoever sees it can act as the application."
    )
    typed = typer.prompt(
        f"Type the account's name to go on ({account})", default="", show_default=False
    )
    question = "Make sure that nobody is watching your screen. Show it?"
    if typed.strip() != account or not typer.confirm(question, default=False):
        output.say("Nothing was shown.")
        raise typer.Exit(2)
    _note(workspace, account, kept)
    # Straight to the terminal: everything else that is printed is scrubbed of secrets. It is shown
    # on the terminal's other screen, which is gone afterwards whatever ends the wait.
    sys.stdout.write(f"{_OTHER_SCREEN}{kept.value.reveal()}\n")
    sys.stdout.flush()
    try:
        typer.prompt("Press Enter to wipe it from the screen", default="", show_default=False)
    finally:
        sys.stdout.write(_FIRST_SCREEN)
        sys.stdout.flush()


def _note(workspace: Path | None, account: str, kept: StoredSecret) -> None:
    loaded = load(find_workspace(workspace))
    with open_ledger(loaded.ledger_url, loaded.root) as ledger:
        note_handover(
            ledger, loaded.account(account).identity, kept.marker, kept.client_id, "terminal"
        )


async def _stored(workspace: Path | None, account: str) -> StoredSecret:
    loaded = load(find_workspace(workspace))
    async with open_context(loaded, loaded.account(account)) as context:
        return await stored_secret(context)
