"""The papers of the house hold: links lead somewhere, cited facts exist, names are real."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.cli.conftest import Command, command
from tests.cli.test_help import COMMANDS
from tests.support.citations import CONTRACTS, cited, page_of
from tests.support.markdown import ROOT, Link, anchors, blocks, links, names, text_of
from tests.tools import facts as facts_table
from tests.tools import untested
from tests.tools.reference import PAGE, reference

# The command as a person meets it, here as well.
__all__ = ["command"]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository that is there."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git checkout")
    files = (ROOT / name for name in listed.stdout.decode("utf-8").split("\0") if name)
    return tuple(sorted({file for file in files if file.is_file()}))


def named(*suffixes: str) -> list[Path]:
    """The tracked files with one of these suffixes."""
    return [file for file in tracked() if file.suffix in suffixes]


def at(file: Path) -> str:
    """A file's path from the repository's root."""
    return file.relative_to(ROOT).as_posix()


# --- links ---------------------------------------------------------------------------------------


def broken(link: Link) -> str:
    """What is wrong with a link, and how to mend it; empty when nothing is."""
    where = f"{at(link.page)}: the link to {link.target}"
    if not link.file.exists():
        return f"{where} leads nowhere. Name the file as it is called now, from the page's folder."
    if not link.anchor:
        return ""
    if link.file.suffix not in (".md", ".ipynb"):
        return f"{where} has an anchor, and only pages have anchors. Leave it out."
    if link.anchor in anchors(link.file):
        return ""
    known = ", ".join(sorted(one for one in anchors(link.file) if not _is_fact(one)))
    return f"{where} points at no heading of {at(link.file)}. Its headings: {known}."


def _is_fact(anchor: str) -> bool:
    return re.fullmatch(r"[gbc]\d+-\d+", anchor) is not None


def test_every_link_leads_somewhere() -> None:
    """Files and anchors that pages and notebooks link to are there."""
    found = [link for file in named(".md", ".ipynb") for link in links(file) if link.is_internal]
    assert found
    problems = [problem for link in found if (problem := broken(link))]
    assert not problems, "\n".join(problems)


# --- facts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """A row of a contract: its id, the anchor before it, and how sure it is."""

    id: str
    anchor: str
    mark: str

    @property
    def section(self) -> int:
        """The section by its id."""
        return int(self.id[1:].partition(".")[0])

    @property
    def number(self) -> int:
        """Its number within the section."""
        return int(self.id.partition(".")[2])


@cache
def facts(letter: str) -> tuple[Fact, ...]:
    """The facts of a page, in its order."""
    row = re.compile(rf'^\| <a id="([^"]*)"></a>({letter}\d+\.\d+) \|.*\| *([^|]*?) *\|$', re.M)
    return tuple(
        Fact(id, anchor, mark) for anchor, id, mark in row.findall(text_of(page_of(letter)))
    )


def marks(letter: str) -> set[str]:
    """The marks that the head of a page defines."""
    head = text_of(page_of(letter)).partition("\n## ")[0]
    return set(re.findall(r"^(?:\| |- \*\*)([a-z]+)(?: \||\*\*:)", head, re.M)) - {"word", "mark"}


@pytest.mark.parametrize("letter", CONTRACTS)
def test_facts_are_numbered(letter: str) -> None:
    """Each row has an id of its own, ascending within its section, and the anchor of that id."""
    page = text_of(page_of(letter))
    known = facts(letter)
    assert len(known) == len(re.findall(r"^\| <a id=", page, re.M)), (
        'a row with an anchor is no fact: write | <a id="c4-3"></a>C4.3 | what | source | mark |'
    )
    order = [(fact.section, fact.number) for fact in known]
    assert order == sorted(set(order)), "a new fact goes to the end of its section"
    for fact in known:
        expected = fact.id.lower().replace(".", "-")
        assert fact.anchor == expected, f'{fact.id} needs the anchor <a id="{expected}">'


@pytest.mark.parametrize("letter", CONTRACTS)
def test_facts_stand_in_their_section(letter: str) -> None:
    """A fact's id begins with the number of the section that it stands in."""
    page, where = text_of(page_of(letter)), 0
    for line in page.splitlines():
        if heading := re.match(r"## (\d+)\. ", line):
            where = int(heading[1])
        elif fact := re.match(rf'\| <a id="[^"]*"></a>{letter}(\d+)\.', line):
            assert int(fact[1]) == where, f"{line[:60]}... stands in section {where}: move it"


@pytest.mark.parametrize("letter", CONTRACTS)
def test_facts_say_how_sure_they_are(letter: str) -> None:
    """By one of the words that the head of the page defines."""
    assert marks(letter) == {"documented", "recorded", "measured", "inferred", "unconfirmed"}
    for fact in facts(letter):
        assert fact.mark in marks(letter), f"{fact.id}: end the row with one of {marks(letter)}"


def test_what_is_cited_is_a_fact() -> None:
    """Each `contract C4.3` of code, tests and pages is a row, and each `contract C4` a section."""
    known = {fact.id for letter in CONTRACTS for fact in facts(letter)}
    known |= {fact.id.partition(".")[0] for letter in CONTRACTS for fact in facts(letter)}
    problems, count = [], 0
    for file in named(".py", ".md", ".ipynb", ".toml", ".html"):
        for one in cited(file.read_text("utf-8")):
            count += 1
            if one not in known:
                problems.append(f"{at(file)} cites contract {one}, which is in no contract")
    assert count > 50, "nothing is cited any more: is the form still `contract C4.3`?"
    assert not problems, "\n".join([*problems, "See docs/contracts; write the id of a row there."])


def test_the_table_of_facts_is_up_to_date() -> None:
    """docs/reference/facts.md is made from the contracts, the tests and the checks."""
    assert facts_table.PAGE.read_text("utf-8") == facts_table.page(), (
        f"{at(facts_table.PAGE)} is out of date: uv run python -m tests.tools.facts"
    )


@pytest.mark.parametrize(
    ("of_rehearsal", "column", "judged"),
    [
        (True, "the rehearsal does so", untested.NOT_IN_THE_REHEARSAL),
        (False, "the program copes", untested.NOT_IN_THE_PROGRAM),
    ],
)
def test_a_fact_is_cited_or_somebody_has_said_why_not(
    of_rehearsal: bool, column: str, judged: dict[str, tuple[str, ...]]
) -> None:
    """In each column a test cites the fact, or one reason says why none does; never both."""
    reasons = [
        fact for one in (untested.NOWHERE, judged) for facts in one.values() for fact in facts
    ]
    twice = sorted({fact for fact in reasons if reasons.count(fact) > 1})
    assert not twice, f"{', '.join(twice)}: a fact has one reason"
    known = {fact.id for letter in CONTRACTS for fact in facts(letter)}
    assert set(reasons) <= known, "only facts can be listed"
    tested = {fact for fact, tests in facts_table.citations().items() if tests[of_rehearsal]}
    both = sorted(set(reasons) & tested)
    assert not both, f'{", ".join(both)}: cited under "{column}", so take it from the reasons'
    blank = sorted(known - set(reasons) - tested)
    assert not blank, (
        f'{", ".join(blank)}: blank under "{column}". Write a test that cites it (`contract G1.1`),'
        " or say in tests/tools/untested.py why there is none"
    )


def test_each_reason_is_explained() -> None:
    """At the head of the table, and none is explained that nobody gives."""
    given = untested.NOT_IN_THE_REHEARSAL | untested.NOT_IN_THE_PROGRAM
    assert list(given) == list(untested.REASONS) and all(given.values())


def test_a_citation_is_found_wherever_it_breaks() -> None:
    """In one line, over two, in a list, and in the plural."""
    assert cited("as it says (contract C1.2 and B3.4).") == ["C1.2", "B3.4"]
    assert cited("# so it is (contract\n    # G7.12, G8 and C9.1); and") == ["G7.12", "G8", "C9.1"]
    assert cited("contracts G1 to G3") == ["G1", "G3"]


def test_no_section_of_another_paper_is_cited() -> None:
    """`section 9` of what? Only standards are cited like that; a fact is cited by its id."""
    problems = []
    for file in named(".py", ".md", ".ipynb", ".html"):
        # The table of facts has the contracts' own words for their sources.
        if file in (Path(__file__), facts_table.PAGE) or file.parent.name == "contracts":
            continue
        flat = re.sub(r"\s*\n\s*(?:# )?", " ", file.read_text("utf-8"))
        for hit in re.finditer(r"(.{0,20})\bsections? \d", flat, re.I):
            if not re.search(r"RFC \d+, $", hit[1]):
                problems.append(f"{at(file)}: ...{hit[0]}")
    assert not problems, "\n".join([*problems, "Cite a fact by its id: contract C4.3."])


# --- names ---------------------------------------------------------------------------------------

_ROOMS = ("bcrunbook", "tests", "docs", "notebooks", ".ci", ".github", "findings")


def prose() -> list[Path]:
    """Pages in which names of the code are kept true; the changelog tells of what was."""
    return [file for file in named(".md") if file.name != "CHANGELOG.md"]


def is_real(name: str) -> bool:
    """Whether something in code type that looks like a path, a module or a test is one."""
    if re.fullmatch(r"test_\w+", name):
        return name in known_tests()
    path = name.partition("#")[0].partition("::")[0]
    if re.fullmatch(r"\.?\w[\w.-]*/[\w./*-]*", path) and path.partition("/")[0] in _ROOMS:
        return any(ROOT.glob(path.rstrip("/"))) and (
            "::" not in name or name.partition("::")[2] in known_tests()
        )
    if re.fullmatch(r"(?:bcrunbook|tests)(?:\.\w+)+", name):
        return has_module(name)
    return True


@cache
def known_tests() -> frozenset[str]:
    """The name of every test and of every file of tests."""
    found = {file.stem for file in (ROOT / "tests").rglob("test_*.py")}
    for file in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        found |= {node.name for node in ast.walk(tree) if isinstance(node, functions)}
    return frozenset(found)


@cache
def has_module(name: str) -> bool:
    """Whether a dotted name is a module, or a name that a module has."""
    home, _, last = name.rpartition(".")
    try:
        if importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    try:
        spec = importlib.util.find_spec(home)
    except ModuleNotFoundError:
        return False
    if spec is None or spec.origin is None:
        return False
    return re.search(rf"\b{last}\b", Path(spec.origin).read_text("utf-8")) is not None


def test_names_of_the_code_are_real() -> None:
    """A path, a module or a test that a page names in code type is there."""
    problems = [
        f"{at(file)} names `{name}`, which is not there. Name what it is called now."
        for file in prose()
        for name in names(file)
        if not is_real(name)
    ]
    assert not problems, "\n".join(problems)


def lines_of_code(file: Path) -> Iterator[str]:
    """What stands in code type on a page, line by line."""
    yield from names(file)
    for block in blocks(file):
        yield from block.splitlines()


def test_commands_that_are_named_exist(command: Command) -> None:
    """`bcrunbook run --mode apply` on a page is a command with these options."""
    known = {" ".join(words): command(*words, "--help").out for words in COMMANDS}
    problems = []
    for file in [*prose(), *named(".ipynb")]:
        for line in lines_of_code(file):
            for call in re.findall(r"(?:^|&& |uv run )bcrunbook ([a-z][^#&|;]*)", line):
                first, second = [*call.split(), ""][:2]
                name = f"{first} {second}" if f"{first} {second}" in known else first
                options = re.findall(r"(?:^|[\s\[])(--?[a-z][\w-]*)", call)
                if name not in known:
                    problems.append(f"{at(file)}: there is no command bcrunbook {call.strip()}")
                problems += [
                    f"{at(file)}: bcrunbook {name} has no option {option}"
                    for option in options
                    if name in known and not re.search(rf"(?<![\w-]){option}\b", known[name])
                ]
    assert not problems, "\n".join(sorted(set(problems)))


def test_commands_that_run_a_module_name_one() -> None:
    """`python -m tests.tools.x` on a page is a module."""
    for file in prose():
        for module in re.findall(r"python -m (tests[\w.]+)", text_of(file)):
            assert has_module(module), f"{at(file)}: there is no {module}; name the tool there is"


# --- lists ---------------------------------------------------------------------------------------


def test_the_reference_lists_its_pages() -> None:
    """docs/reference/README.md is made from the files beside it."""
    assert PAGE.read_text("utf-8") == reference(), (
        f"{at(PAGE)} is out of date: uv run python -m tests.tools.reference"
    )


def test_decisions_are_numbered_and_complete() -> None:
    """Each has the next number and the same four parts."""
    files = [file for file in named(".md") if file.parent == ROOT / "docs" / "decisions"]
    pages = [file for file in sorted(files) if file.name != "README.md"]
    numbers = [int(file.name[:4]) for file in pages]
    assert numbers == list(range(1, len(pages) + 1)), "a new decision takes the next number"
    for file in pages:
        parts = re.findall(r"^## (.+)$", text_of(file), re.M)
        expected = ["Context", "Decision", "Consequences", "What would change it"]
        assert parts == expected, f"{at(file)} needs the parts {', '.join(expected)}"


def test_the_glossary_has_each_word_once() -> None:
    """One word, one thing; each table in alphabetical order."""
    page = text_of(ROOT / "docs" / "glossary.md")
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", page, re.M)
    assert len(words) == len(set(words)), "a word stands twice: say it all in one row"
    for table in re.split(r"^## ", page, flags=re.M)[1:]:
        own = re.findall(r"^\| \*\*(.+?)\*\* \|", table, re.M)
        assert own == sorted(own, key=str.lower), f"sort the table under {table.splitlines()[0]}"
