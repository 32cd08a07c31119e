"""`bcrunbook explain CODE`: what a code means and who can do something about it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from bcrunbook.aadsts import ADVICE as ENTRA
from bcrunbook.aadsts import Advice
from bcrunbook.cli import options, output
from bcrunbook.errors import NotFound, nearest
from bcrunbook.hosts import ENTRA_CODES
from bcrunbook.secrets.vault import ADVICE as KEY_VAULT
from bcrunbook.services.codat.errors import ADVICE as CODAT
from bcrunbook.services.graph.errors import ADVICE as GRAPH


def explain(
    code: Annotated[
        str, typer.Argument(help="AADSTS50076, 50076, Authorization_RequestDenied, 402, waiting.")
    ],
    as_json: options.Json = False,
) -> None:
    """Explain a code of Entra, Graph, Key Vault or Codat, or an outcome with its exit code."""
    table: dict[str, Advice] = {
        **{f"AADSTS{number}": advice for number, advice in ENTRA.items()},
        **GRAPH,
        **KEY_VAULT,
        **{str(status): advice for status, advice in CODAT.items()},
        **_outcomes(),
    }
    wanted = code.strip()
    if re.fullmatch(r"\d{4,8}", wanted):
        wanted = f"AADSTS{wanted}"
    names = {name.lower(): name for name in table}
    if wanted.lower() not in names:
        hint = nearest(wanted, table)
        raise NotFound(
            "This code is not in the table.",
            why=hint if hint.startswith("did") else "the table holds the codes that people meet",
            next=f"look it up in Microsoft's own list of AADSTS codes: {ENTRA_CODES}",
        )
    name = names[wanted.lower()]
    advice = table[name]
    meaning = {"code": name, "meaning": advice.meaning, "next": advice.next, "who": advice.who}
    if as_json:
        output.print_json(meaning)
        return
    for label, text in meaning.items():
        print(f"{label + ':':<9}{text}")


def _outcomes() -> dict[str, Advice]:
    return {
        "done": Advice("everything is as it should be (exit code 0)", "go on with the next step"),
        "changed": Advice(
            "changes were applied and verified (exit code 0)",
            "go on with the next step",
        ),
        "failed": Advice(
            "the step ended in an error (exit code 1, or 2 for wrong use or configuration)",
            "read the error in the output notebook or the report",
        ),
        "needs_person": Advice(
            "a person has to act; the notebook says who and how (exit code 3)",
            "forward the text, then run again: what was done is noticed",
        ),
        "waiting": Advice(
            "a service, or another run, needs time (exit code 4)", "run again in a few minutes"
        ),
        "pending": Advice(
            "plan mode found changes and made none (exit code 5)",
            "run again with --mode apply to make them",
        ),
    }
