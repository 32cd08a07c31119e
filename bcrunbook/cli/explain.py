"""`bcrunbook explain WORD`: what a word or code means and who can do something about it."""

from __future__ import annotations

import textwrap
from typing import Annotated, Final

import typer

from bcrunbook.aadsts import Advice
from bcrunbook.cli import options, output
from bcrunbook.cli.words.table import GROUPS, explained, is_number, near
from bcrunbook.errors import NotFound
from bcrunbook.hosts import ENTRA_CODES

_WIDTH: Final = 78


def explain(
    code: Annotated[
        str,
        typer.Argument(
            metavar="WORD",
            help="PendingAuth, differs, needs_person, AADSTS50076, 402, ... Without one: all that"
            " there are.",
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Explain a word or code that you met: on a screen of this program, or from a service.

    It knows how steps, findings and installations stand, exit codes, the states of Codat and
    Business Central, and the codes of Entra, Graph and Key Vault.
    """
    if not code.strip():
        _list(as_json=as_json)
        return
    found = explained(code)
    if found is None:
        raise _not_found(code)
    meaning = _as_data(*found)
    if as_json:
        output.print_json(meaning)
        return
    for label, text in meaning.items():
        print(f"{label + ':':<9}{text}")


def _not_found(code: str) -> NotFound:
    meant = near(code)
    if meant:
        why = f'did you mean "{meant}"?'
    else:
        why = "the table holds the words of this program and the codes that people meet"
    return NotFound(
        "This is not in the table.",
        why=why,
        next=f"look it up in Microsoft's own list of AADSTS codes: {ENTRA_CODES}"
        if is_number(code)
        else "run bcrunbook explain without a word: it lists what there is",
    )


def _list(*, as_json: bool) -> None:
    """Print all words: for programs with what they mean, for people by where they are met."""
    if as_json:
        words = [one for group in GROUPS.values() for one in group.items()]
        output.print_json([_as_data(name, advice) for name, advice in words])
        return
    for heading, group in GROUPS.items():
        print(f"{heading}:")
        names = "; ".join(group)
        print(textwrap.fill(names, _WIDTH, initial_indent="  ", subsequent_indent="  "))


def _as_data(name: str, advice: Advice) -> dict[str, str]:
    return {"code": name, "meaning": advice.meaning, "next": advice.next, "who": advice.who}
