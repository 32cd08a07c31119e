"""The commands by name. A command's module is read when the command is asked for, not before."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from bcrunbook.cli import output
from bcrunbook.reading import reading


@dataclass(frozen=True)
class Command:
    """One command of the program, or a group of commands.

    Args:
        name: how a person calls it.
        home: where it is in this package: `module:function`, or `module:app` for a group.
        short_help: a sentence for the list of commands. The command's own help begins with it.
        begins: what it is at first, a sentence that is said before anything else is read; empty
            where there is nothing to wait for.
    """

    name: str
    home: str
    short_help: str
    begins: str = ""

    @property
    def is_group(self) -> bool:
        """Whether it is a group of commands."""
        return self.home.endswith(":app")

    def load(self) -> Any:
        """Read its module.

        Returns:
            The command as Typer has made it.
        """
        module, _, name = self.home.partition(":")
        module = f"bcrunbook.cli.{module}"
        if module not in sys.modules:
            with reading():
                import_module(module)
        found = getattr(sys.modules[module], name)
        holder = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.name)
        else:
            holder.command(self.name)(found)
        return get_group(holder).commands[self.name]


_READING: Final = "Reading the workspace."

COMMANDS: Final = (
    Command("init", "init:init", "Lay out a workspace."),
    Command("lab", "lab:lab", "Open the notebooks in JupyterLab."),
    Command("plan", "run:plan", "Show what would be done for an account.", _READING),
    Command("run", "run:run", "Run an account's notebooks headlessly.", _READING),
    Command(
        "batch",
        "batch:batch",
        "Run many accounts and customers.",
        _READING,
    ),
    Command(
        "confirm",
        "confirm:confirm",
        "Note who has done a person's part.",
        _READING,
    ),
    Command(
        "notice",
        "notice:notice",
        "Write the notice to a customer before linking.",
        _READING,
    ),
    Command("link", "link:link", "Print the link for a customer.", _READING),
    Command("check", "check:check", "Check an account and its customers.", _READING),
    Command("rotate", "rotate:rotate", "Replace an account's client secret in time.", _READING),
    Command("retire", "retire:retire", "Retire an account, or customers of it.", _READING),
    Command("restore", "restore:restore", "Take up again what was retired.", _READING),
    Command(
        "status",
        "status:status",
        "Show how each step ended last, and what comes next.",
        _READING,
    ),
    Command(
        "handover",
        "handover:handover",
        "Write what another engineer or an auditor needs.",
        _READING,
    ),
    Command(
        "doctor", "doctor:doctor", "Check this machine and the workspace.", "Checking this machine."
    ),
    Command("explain", "explain:explain", "Explain a word or code that you met."),
    Command(
        "fidelity",
        "fidelity:fidelity",
        "Compare live runs with what rehearsals go by.",
        "Reading what live runs have left.",
    ),
    Command(
        "rehearse",
        "rehearse:rehearse",
        "Rehearse everything on this machine.",
        "Reading what a rehearsal needs.",
    ),
    Command("accounts", "accounts:app", "The accounts of the workspace.", _READING),
    Command(
        "secret",
        "secret:app",
        "An account's client secret, for a person's hands.",
        _READING,
    ),
    Command(
        "rehearsal",
        "rehearsal:app",
        "A local stand-in for the services, for rehearsing.",
        "Starting the rehearsal cloud.",
    ),
)
"""Every command, in the order in which `--help` lists them."""


class LazyGroup(TyperGroup):
    """Holds a stub with a short help for each command, and loads the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that is called; the stub stays where it is."""
        name, stub, rest = super().resolve_command(ctx, args)
        command = {command.name: command for command in COMMANDS}.get(name or "")
        if command is None:
            return name, stub, rest
        asks_for_help = {*ctx.help_option_names} & {*rest} or (command.is_group and not rest)
        if command.begins and not asks_for_help:
            output.say(command.begins)
        return name, command.load(), rest


def add_commands(app: typer.Typer) -> None:
    """Give a program its commands; it has to be made with `cls=LazyGroup`."""
    for command in COMMANDS:
        app.command(command.name, short_help=command.short_help)(_stub)


def _stub() -> None:
    """Stands for a command in the list of commands; is never called."""
