"""Write the page of the commands: `python -m tests.tools.command_pages`.

It is made from the program: what `--help` says of each command, and the exit codes of states and
errors. A terminal's width has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from bcrunbook.cli import app
from bcrunbook.cli.commands import COMMANDS
from bcrunbook.core.step import EXIT_CODES, worst_code
from bcrunbook.errors import RunbookError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"
COMMAND = "python -m tests.tools.command_pages"

HEAD = f"""\
<!-- Made by `{COMMAND}` from the program; changes by hand are lost. -->
# Commands

Every command of `bcrunbook` with its arguments, its options and its exit codes. Each has `--help`
as well. Data goes to stdout, talk and errors to stderr.

"""

EXITS = """\
## Exit codes

Of several codes the worst counts: {worst_first}. Where nothing else is said, Ctrl-C ends a command
with 130.

| code | how a step ended | errors |
| --- | --- | --- |
"""

OF_STEPS = "the worst code of the steps that it runs"
OF_AN_ERROR = "0, or the code of the error that it ends with"
ENDINGS = {
    "plan": f"{OF_STEPS}; 5 if there is something to change",
    "run": OF_STEPS,
    "batch": f"{OF_STEPS}; 130 if Ctrl-C ended it",
    "check": OF_STEPS,
    "rotate": OF_STEPS,
    "retire": OF_STEPS,
    "restore": OF_STEPS,
    "rehearse": OF_STEPS,
    "lab": f"{OF_AN_ERROR}; Ctrl-C, its usual end, is 0",
    "fidelity": "0 if nothing is refuted, 3 if something is; or the code of the error that it"
    " ends with",
    "doctor": "0, or the code of the gravest check that failed",
    "secret copy": f"{OF_AN_ERROR}; Ctrl-C, which clears the clipboard, is 0",
    "secret reveal": f"{OF_AN_ERROR}; 2 if the person decides otherwise",
    "rehearsal serve": "0 when Ctrl-C ended it, or 2 if it cannot serve",
}
"""How a command ends, where it is not `OF_AN_ERROR`."""


def page() -> str:
    """The page as it has to be."""
    listed = "".join(f"- [`{name}`](#{_anchor(name)}): {short}\n" for name, short in _listed())
    sections = "".join(_section(words, command) for words, command in _commands())
    return f"{HEAD}{listed}\n{_of_all()}{sections}{_exit_codes()}"


def _anchor(name: str) -> str:
    return f"bcrunbook-{name}".replace(" ", "-")


def _listed() -> Iterator[tuple[str, str]]:
    """Each command and group with the sentence of the list of commands."""
    return ((command.name, command.short_help) for command in COMMANDS)


def _commands() -> Iterator[tuple[str, Any]]:
    """Each command, and after a group what belongs to it, by the words that call it."""
    for entry in COMMANDS:
        command = entry.load()
        yield entry.name, command
        if isinstance(command, TyperGroup):
            yield from ((f"{entry.name} {name}", part) for name, part in command.commands.items())


def _of_all() -> str:
    """The options that stand before every command."""
    return f"## Options of every command\n\n{_options(get_command(app), 'bcrunbook')}\n"


def _section(words: str, command: Any) -> str:
    """What `--help` says of one command, and how it ends."""
    name = f"bcrunbook {words}"
    usage = " ".join(command.collect_usage_pieces(typer.Context(command, info_name=name)))
    parts = [f"## {name}", f"`{name} {usage}`", command.help.strip()]
    if isinstance(command, TyperGroup):
        names = (f"[`{part}`](#{_anchor(f'{words} {part}')})" for part in command.commands)
        parts.append(f"Commands: {', '.join(names)}.")
    else:
        parts += [_options(command, name), f"Exit code: {ENDINGS.get(words, OF_AN_ERROR)}."]
    return "\n\n".join(part.strip() for part in parts if part) + "\n\n"


def _options(command: Any, name: str) -> str:
    """A table of arguments and options."""
    context = typer.Context(command, info_name=name)
    records = (parameter.get_help_record(context) for parameter in command.params)
    rows = [f"| `{left}` | {_in_a_cell(text)} |\n" for left, text in filter(None, records)]
    return "| argument or option | meaning |\n| --- | --- |\n" + "".join(rows) if rows else ""


def _in_a_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _exit_codes() -> str:
    """The table of exit codes: states of steps, and errors with what they mean."""
    codes = sorted({*EXIT_CODES.values(), *(error.exit_code for error in _errors())})
    rows = []
    for code in codes:
        states = ", ".join(f"`{state.value}`" for state, its in EXIT_CODES.items() if its == code)
        errors = " ".join(
            f"`{error.__name__}`: {(error.__doc__ or '').splitlines()[0]}"
            for error in _errors()
            if error.exit_code == code
        )
        rows.append(f"| {code} | {states} | {errors} |\n")
    return EXITS.format(worst_first=_worst_first(codes)) + "".join(rows)


def _worst_first(codes: Iterable[int]) -> str:
    left, order = set(codes), []
    while left:
        order.append(worst_code(left))
        left.remove(order[-1])
    return ", ".join(map(str, order))


def _errors(base: type[RunbookError] = RunbookError) -> Iterator[type[RunbookError]]:
    """The kinds of errors that the program tells apart, those of the error tree's own module."""
    for kind in base.__subclasses__():
        if kind.__module__ == base.__module__:
            yield kind
            yield from _errors(kind)


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")
    print(PAGE.name)


if __name__ == "__main__":
    main()
