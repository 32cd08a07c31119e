"""`bcrunbook fidelity JOURNAL...`: what live runs say of what rehearsals are built on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from bcrunbook.cli import options, output
from bcrunbook.cli.tables import print_table
from bcrunbook.errors import AskAdministrator, FixInput
from bcrunbook.fidelity.answers import known_answers
from bcrunbook.fidelity.result import FidelityResult, judge
from bcrunbook.journal.file import ReadJournal, read_journals

REFUTED: Final = AskAdministrator.exit_code
"""The exit code where something is refuted: a person has to tell the project."""


def fidelity(
    journals: Annotated[
        list[Path],
        typer.Argument(
            metavar="JOURNAL...", help="Journals of runs, or folders with some, such as runs."
        ),
    ],
    as_json: options.Json = False,
) -> None:
    """Compare live runs with what rehearsals go by, fact by fact.

    Each fact that a journal can tell is confirmed, refuted or not met. Exit code 0: nothing is
    refuted. 3: something is; please send what --json prints to the project. It holds no value.
    """
    read = _read(journals)
    result = judge(read.entries, known_answers())
    code = REFUTED if result.refutes else 0
    if as_json:
        output.print_json(
            {
                "exit_code": code,
                "requests": len(read.entries),
                "passed_over": read.passed_over,
                **asdict(result),
            }
        )
    else:
        _print(result)
    output.say(_told(read, result))
    raise typer.Exit(code)


def _read(paths: Sequence[Path]) -> ReadJournal:
    where = ", ".join(map(str, paths))
    try:
        read = read_journals(list(paths))
    except OSError as error:
        raise FixInput(
            f"A journal cannot be read ({error.strerror or type(error).__name__}).",
            where=where,
            next="name a file journal.jsonl of a run, or a folder with some, such as runs",
        ) from None
    if read.entries:
        return read
    raise FixInput(
        "There is no journal here.",
        where=where,
        why=f"none of the {output.counted(read.passed_over, 'line')} is one of a journal that this"
        " version knows"
        if read.passed_over
        else 'a live run keeps one unless accounts.toml says [runs] journal = "never", a rehearsal'
        ' if it says "always"',
        next="name a file journal.jsonl of a run, or a folder with some, such as runs",
    )


def _print(result: FidelityResult) -> None:
    met = [one for one in result.facts if one.verdict != "not met"]
    rows = [(one.fact, one.verdict, output.counted(one.met, "answer")) for one in met]
    print_table(("fact", "verdict", "by"), rows)
    refuted = [one for one in met if one.verdict == "refuted"]
    for fact in refuted:
        shapes = {"fact and rehearsal": "; ".join(fact.holds), "journal": "; ".join(fact.journal)}
        output.print_block(f"{fact.fact} refuted", shapes)
    answers = [
        (one.request, f"{other.what} {other.where}".strip(), other.rehearsal, other.journal)
        for one in result.answers
        for other in one.differences
    ]
    if answers:
        print_table(("answer", "difference", "the rehearsal", "the journal"), answers)
    unmet = [one.fact for one in result.facts if one.verdict == "not met"]
    unknown = [one.request for one in result.answers if one.verdict == "not met"]
    output.print_block(
        "Not met",
        {
            "facts": ", ".join(unmet) or "none",
            "answers that the rehearsal does not give": "; ".join(unknown) or "none",
        },
    )


def _told(read: ReadJournal, result: FidelityResult) -> str:
    facts = [one.verdict for one in result.facts]
    answers = [one.verdict for one in result.answers]
    lost = output.counted(read.passed_over, "line")
    passed_over = f" {lost} could not be read." if read.passed_over else ""
    return (
        f"{output.counted(len(read.entries), 'request')} in {output.counted(read.files, 'file')}:"
        f" {facts.count('confirmed')} of {output.counted(len(facts), 'fact')} confirmed,"
        f" {facts.count('refuted')} refuted;"
        f" {answers.count('refuted')} of {output.counted(len(answers), 'kind')} of answers differ."
        + passed_over
    )
