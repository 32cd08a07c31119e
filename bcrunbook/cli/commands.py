"""The commands by name. A command's module is read when the command is asked for, not before."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group


@dataclass(frozen=True)
class Command:
    """One command of the program, or a group of commands.

    Args:
        name: how a person calls it.
        home: where it is in this package: `module:function`, or `module:app` for a group.
        short_help: a sentence for the list of commands. The command's own help begins with it.
    """

    name: str
    home: str
    short_help: str

    def load(self) -> Any:
        """Read its module.

        Returns:
            The command as Typer has made it.
        """
        module, _, name = self.home.partition(":")
        found = getattr(import_module(f"bcrunbook.cli.{module}"), name)
        holder = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.name)
        else:
            holder.command(self.name)(found)
        return get_group(holder).commands[self.name]


COMMANDS: Final = (
    Command("init", "init:init", "Lay out a workspace."),
    Command("lab", "lab:lab", "Open the notebooks in JupyterLab."),
    Command("plan", "run:plan", "Show what would be done for an account."),
    Command("run", "run:run", "Run an account's notebooks headlessly."),
    Command("batch", "batch:batch", "Run many accounts and customers."),
    Command("confirm", "confirm:confirm", "Note who has done a person's part."),
    Command("notice", "notice:notice", "Write the notice to a customer before linking."),
    Command("link", "link:link", "Print the link for a customer."),
    Command("check", "check:check", "Check an account and its customers."),
    Command("status", "status:status", "Show how each step ended last, and what comes next."),
    Command("doctor", "doctor:doctor", "Check this machine and the workspace."),
    Command("explain", "explain:explain", "Explain a word or code that you met."),
    Command("fidelity", "fidelity:fidelity", "Compare live runs with what rehearsals go by."),
    Command("rehearse", "rehearse:rehearse", "Rehearse everything on this machine."),
    Command("accounts", "accounts:app", "The accounts of the workspace."),
    Command("secret", "secret:app", "An account's client secret, for a person's hands."),
    Command("rehearsal", "rehearsal:app", "A local stand-in for the services, for rehearsing."),
)
"""Every command, in the order in which `--help` lists them."""


class LazyGroup(TyperGroup):
    """Holds a stub with a short help for each command, and loads the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that is called; the stub stays where it is."""
        name, stub, rest = super().resolve_command(ctx, args)
        loaded = {command.name: command for command in COMMANDS}.get(name or "")
        return name, loaded.load() if loaded else stub, rest


def add_commands(app: typer.Typer) -> None:
    """Give a program its commands; it has to be made with `cls=LazyGroup`."""
    for command in COMMANDS:
        app.command(command.name, short_help=command.short_help)(_stub)


def _stub() -> None:
    """Stands for a command in the list of commands; is never called."""
