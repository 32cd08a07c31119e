"""Advice for the codes of Entra: all that are documented, and none that anything depends on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bcrunbook import aadsts
from bcrunbook.aadsts import ADVICE, Advice, advice_in, code_in
from bcrunbook.rehearsal import entra

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


def issued() -> set[int]:
    """The codes that the rehearsal cloud's Entra issues."""
    found = set()
    for path in sorted((Path(entra.__file__).parent).rglob("*.py")):
        text = path.read_text("utf-8")
        found |= {int(code) for code in re.findall(r"AADSTS(\d{4,8})", text)}
        found |= {
            node.args[0].value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "SignInError"
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, int)
        }
    return found


def test_every_code_of_the_rehearsal_cloud_is_explained() -> None:
    """Nobody meets a code while rehearsing that has no advice."""
    codes = issued()
    assert len(codes) > 35
    assert sorted(codes - ADVICE.keys()) == []


@pytest.mark.parametrize(
    ("codes", "helps"),
    [
        ((70021, 700211, 700212, 700213, 7002138), "federated credential"),
        ((700024,), "token_file"),
        ((700027, 7000213), "certificate"),
        ((7000215, 7000222), "secret"),
        ((53003, 530003, 530033, 50131), "managed device"),
        ((53002,), "approved"),
        ((50076, 50158), "interactively"),
        ((500341,), "another account"),
        ((90002, 900023), "accounts.toml"),
        ((90015,), "private window"),
        ((1002012,), "report this"),
    ],
)
def test_the_usual_refusals_of_each_way_to_sign_in_are_explained(
    codes: tuple[int, ...], helps: str
) -> None:
    """The advice names what has to be looked after."""
    for code in codes:
        assert helps in ADVICE[code].next


@pytest.mark.parametrize(
    "code", [70021, 700211, 700212, 700213, 7002138, 700024, 700027, 7000213, 7000215, 7000222]
)
def test_an_application_is_never_told_to_sign_in(code: int) -> None:
    """What only an application meets is about its credential."""
    assert "sign in again" not in ADVICE[code].next


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
    """Microsoft may change the numbers, so outside the table no code of the program holds one.

    contract G16.13
    """
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
