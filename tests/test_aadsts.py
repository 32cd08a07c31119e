"""Advice for the codes of Entra: all that are documented, and none that anything depends on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bcrunbook import aadsts
from bcrunbook.aadsts import ADVICE, Advice, advice_in, code_in

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = ROOT.parent / "shared" / "contracts" / "graph.md"


def documented() -> list[int]:
    """The codes in the table of the contract's section about consent in a browser."""
    if not CONTRACT.exists():
        return []
    section = CONTRACT.read_text("utf-8").split("\n## 7.")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ()a-z]+) \|", section, re.MULTILINE)
    return sorted({int(code) for row in rows for code in re.findall(r"\d{4,8}", row)})


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contracts are not beside this repository")
def test_every_documented_code_is_explained() -> None:
    """Whatever code the table lists has advice here."""
    codes = documented()
    assert len(codes) > 50
    assert [code for code in codes if code not in ADVICE] == []


@pytest.mark.parametrize("advice", dict.fromkeys(ADVICE.values()), ids=lambda one: one.meaning[:40])
def test_an_advice_is_complete(advice: Advice) -> None:
    """It says what the code means, what to do and who can, without naming another code."""
    for text in (advice.meaning, advice.next, advice.who):
        assert text.strip() == text != ""
        assert "AADSTS" not in text and not re.search(r"\b\d{5,}\b", text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("AADSTS50076: Due to a configuration change", 50076),
        ("ERROR: AADSTS7000215: Invalid client secret provided.", 7000215),
        ("invalid_grant: AADSTS16000: Either multiple user identities", 16000),
        ("AADSTS", None),
        ("error 50076", None),
        ("", None),
    ],
)
def test_the_code_is_found_in_a_text(text: str, code: int | None) -> None:
    """The number stands behind the letters, anywhere in the text."""
    assert code_in(text) == code
    assert (advice_in(text) is None) == (code is None)


def test_an_unknown_code_has_no_advice() -> None:
    """A number that is not in the table is quoted, not explained."""
    assert code_in("AADSTS424242: new") == 424242
    assert advice_in("AADSTS424242: new") is None


def test_nothing_branches_on_a_code() -> None:
    """Microsoft may change the numbers, so outside the table no code of the program holds one."""
    package = Path(aadsts.__file__).parent
    texts = {text for code in ADVICE for text in (str(code), f"AADSTS{code}")}
    found = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        if path != Path(aadsts.__file__) and "rehearsal" not in path.relative_to(package).parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and str(node.value) in texts
    ]
    assert found == []
