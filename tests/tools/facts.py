"""Write the table of facts: `python -m tests.tools.facts`.

It is made of the contracts, of the tests that cite a fact (`contract C4.3`) and of the checks by
which `bcrunbook fidelity` holds a fact against live runs.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bcrunbook.fidelity.result import CHECKS
from tests.support.citations import CONTRACTS, cited, page_of

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

What is cited for a whole file, or in what helps tests, is named by its file. A blank says that
nothing cites the fact, not that nothing goes by it. Where neither the rehearsal nor the program has
anything that a test could hold against a fact, *no test:* says why, in the place of both.
"""

TITLES = {"G": "Microsoft", "C": "Codat", "B": "Business Central"}
NO_TEST: Final = {
    "about people and their pages": (
        *("G3.2", "G3.10", "G3.11", "G16.8", "G18.10"),
        *("B5.2", "B5.4", "B5.5", "B5.6", "B5.7", "B5.8", "B5.9", "B13.1"),
        *("C1.10", "C1.12", "C6.11", "C6.12", "C6.14", "C10.4", "C10.5", "C10.6", "C10.8"),
        *("C10.9", "C10.10", "C11.19", "C11.21", "C12.3"),
    ),
    "the program has no use for it": (
        *(
            "G14.2",
            "G15.5",
            "B1.4",
            "B1.6",
            "B2.15",
            "B2.16",
            "B6.3",
            "B7.12",
            "B7.14",
            "B9.9",
            "B10.9",
        ),
        *("B12.3", "B12.8", "B12.9", "B13.12", "C11.18", "C13.3", "C13.4"),
    ),
    "about others' licences and access": (
        *("B4.12", "B4.14", "B7.10", "B10.2", "B10.5", "B10.6", "B10.10"),
    ),
    "about other programs": (
        *("B13.8", "B13.9", "B13.10", "C14.1", "C14.2", "C14.3", "C14.4", "C14.6", "C14.8"),
    ),
    "about a change that is to come": ("B7.16", "C11.13"),
    "of the real service alone": (
        *(
            "G13.5",
            "G19.7",
            "G22.10",
            "B7.17",
            "B8.5",
            "B8.6",
            "B8.10",
            "B11.25",
            "B12.4",
            "B12.6",
            "B12.7",
        ),
        *("B13.6", "C9.13", "C10.13"),
    ),
}
"""Facts that nothing here can be held against, by the reason."""
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
    reasons = {fact: why for why, facts in NO_TEST.items() for fact in facts}
    parts = [HEAD]
    for letter, name in CONTRACTS.items():
        parts.append(
            f"\n## {TITLES[letter]}\n\n"
            "| fact | source | sure | the rehearsal does so | the program copes | live runs |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
        )
        for anchor, fact, source, sure in rows(letter):
            tests = known.get(fact, {True: set(), False: set()})
            why = f"*no test:* {reasons[fact]}" if fact in reasons else ""
            cells = (
                f"[{fact}](../contracts/{name}.md#{anchor})",
                re.sub(r"\[([^]]*)\]\(#[^)]*\)", r"\1", source),
                sure,
                _listed(tests[True]) or why,
                _listed(tests[False]),
                "checked" if fact in checked else "",
            )
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")
    print(PAGE.name)


if __name__ == "__main__":
    main()
