"""Write the table of facts: `python -m tests.tools.facts`.

It is made of the contracts, of the tests that cite a fact (`contract C4.3`) and of the checks by
which `bcrunbook fidelity` holds a fact against live runs.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bcrunbook.fidelity.result import CHECKS
from tests.support.citations import CONTRACTS, cited, page_of
from tests.tools.untested import NOT_IN_THE_PROGRAM, NOT_IN_THE_REHEARSAL, NOWHERE, REASONS

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "reference" / "facts.md"
COMMAND = "python -m tests.tools.facts"

HEAD = f"""\
<!-- Made by `{COMMAND}` from the contracts and the tests; changes by hand are lost. -->
# Facts

Each fact of the contracts, what it is known from and how sure that is, and what would show that the
program or the rehearsal cloud does not go by it.

- **The rehearsal does so**: tests of the rehearsal cloud that cite the fact.
- **The program copes**: all other tests that cite it.
- **Live runs**: whether [`bcrunbook fidelity`](../guide/fidelity.md) has a check of it.

What is cited for a whole file, or in what helps tests, is named by its file. Where neither the
rehearsal nor the program has anything that a test could hold against a fact, *no test:* says why,
in both columns. Where one of them has nothing, its column says so in a few words:

| word | meaning |
| --- | --- |
"""

TITLES = {"G": "Microsoft", "C": "Codat", "B": "Business Central"}
_EXAMPLES = {"test_docs.py", "citations.py"}
"""Files in which a citation is an example of one."""


def citations() -> dict[str, dict[bool, set[str]]]:
    """For each fact the tests that cite it: under True those of the rehearsal cloud."""
    found: dict[str, dict[bool, set[str]]] = defaultdict(lambda: {True: set(), False: set()})
    for file in sorted(TESTS.rglob("*.py")):
        if file.name in _EXAMPLES or file.parent.name == "tools":
            continue
        is_of_rehearsal = file.is_relative_to(TESTS / "rehearsal")
        for name, text in _pieces(file):
            for fact in cited(text):
                found[fact][is_of_rehearsal].add(name)
    return found


def _pieces(file: Path) -> Iterator[tuple[str, str]]:
    """Each test of a file by its name, with its text, and what is left by the file's."""
    text = file.read_text("utf-8")
    lines = text.splitlines()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, functions) and node.name.startswith("test_"):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            yield node.name, "\n".join(lines[first : node.end_lineno])
            lines[first : node.end_lineno] = [""] * ((node.end_lineno or first) - first)
    yield file.stem, "\n".join(lines)


def rows(letter: str) -> Iterator[tuple[str, str, str, str]]:
    """The facts of a page: anchor, id, source and how sure."""
    row = re.compile(rf'^\| <a id="([^"]*)"></a>({letter}\d+\.\d+) \|.*')
    for line in page_of(letter).read_text("utf-8").splitlines():
        if match := row.match(line):
            *_, source, sure, _ = re.split(r"(?<!\\)\|", line)
            yield match[1], match[2], source.strip(), sure.strip()


def page() -> str:
    """The page as it has to be."""
    known = citations()
    checked = {check.fact for check in CHECKS}
    nowhere = {fact: f"*no test:* {why}" for fact, why in _by_fact(NOWHERE).items()}
    elsewhere = [
        {fact: f"*{why}*" for fact, why in _by_fact(judged).items()} | nowhere
        for judged in (NOT_IN_THE_REHEARSAL, NOT_IN_THE_PROGRAM)
    ]
    parts = [HEAD, *(f"| *{word}* | {meaning} |\n" for word, meaning in REASONS.items())]
    for letter, name in CONTRACTS.items():
        parts.append(
            f"\n## {TITLES[letter]}\n\n"
            "| fact | source | sure | the rehearsal does so | the program copes | live runs |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
        )
        for anchor, fact, source, sure in rows(letter):
            tests = known.get(fact, {True: set(), False: set()})
            cells = (
                f"[{fact}](../contracts/{name}.md#{anchor})",
                re.sub(r"\[([^]]*)\]\(#[^)]*\)", r"\1", source),
                sure,
                _listed(tests[True]) or elsewhere[0].get(fact, ""),
                _listed(tests[False]) or elsewhere[1].get(fact, ""),
                "checked" if fact in checked else "",
            )
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def _by_fact(judged: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {fact: why for why, facts in judged.items() for fact in facts}


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    print(PAGE.name)


if __name__ == "__main__":
    main()
