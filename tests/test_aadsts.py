"""Advice for the codes of Entra: all that are documented, and none that anything depends on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bcrunbook import aadsts
from bcrunbook.aadsts import ADVICE, Advice, advice_in, code_in, linking_advice_in
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
    """The advice names what has to be looked after.

    contract G16.9
    """
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


@pytest.mark.parametrize(
    ("codes", "helps"),
    [
        pytest.param((16000, 50020, 51004, 90072), "invited", id="contract G21.1"),
        pytest.param((500200, 500208), "work account", id="contract G21.2"),
        pytest.param((50011,), "byte for byte", id="contract G21.3"),
        pytest.param((500341,), "another account", id="contract G21.4"),
        pytest.param((50034, 50049, 90002), "spelling", id="contract G21.5"),
        pytest.param((900023,), "domains", id="contract G21.6"),
        pytest.param((50053, 50055, 50057, 50126), "sign in at", id="contract G21.7"),
        pytest.param(
            (50072, 50074, 50076, 50078, 50079, 50158), "interactively", id="contract G21.8"
        ),
        pytest.param((50105,), "assign", id="contract G21.9"),
        pytest.param((50194, 90130, 9001023), "tenant's id", id="contract G21.10"),
        pytest.param(
            (500011, 650052, 650053, 650054, 650057), "Business Central trial", id="contract G21.11"
        ),
        pytest.param(
            (53000, 53001, 53003, 530003, 530032, 530033, 530035, 50131),
            "managed device",
            id="contract G21.12",
        ),
        pytest.param((53002,), "approved", id="contract G21.13"),
        pytest.param((65001,), "grant consent", id="contract G21.14"),
        pytest.param((65002,), "client id of your own", id="contract G21.15"),
        pytest.param((65004,), "run again and accept", id="contract G21.16"),
        pytest.param((65005, 650056), "then consent", id="contract G21.17"),
        pytest.param((90008, 90094, 90095), "consent link", id="contract G21.18"),
        pytest.param((1002012, 28000, 28002, 70011), "report this", id="contract G21.19"),
        pytest.param(
            (
                50027,
                50148,
                500112,
                501481,
                501491,
                54005,
                70003,
                70005,
                700005,
                7000216,
                900144,
                900561,
                901002,
                9002313,
            ),
            "run again",
            id="contract G21.20",
        ),
        pytest.param((90015,), "private window", id="contract G21.21"),
        pytest.param((70016, 70018, 70019), "15 minutes", id="contract G21.22"),
        pytest.param((70020,), "15 minutes", id="contract G21.23"),
        pytest.param((50058, 50173, 70008, 70043, 700082), "sign in again", id="contract G21.24"),
        pytest.param((700011, 700016), "tenant and client id", id="contract G21.25"),
        pytest.param((7000112, 70001), "Deactivated", id="contract G21.26"),
        pytest.param((7000215,), "use the Value", id="contract G21.27"),
        pytest.param((7000218,), "Allow public client flows", id="contract G21.28"),
        pytest.param((7000222,), "make a new one", id="contract G21.29"),
        pytest.param((7000229,), "creates the service principal", id="contract G21.30"),
        pytest.param((700025,), "without a secret", id="contract G21.31"),
        pytest.param((70021, 700211, 700212, 700213, 7002138), "federated", id="contract G21.32"),
        pytest.param((700024,), "token_file", id="contract G21.33"),
        pytest.param((7000213,), "authority", id="contract G21.34"),
        pytest.param((50013, 700027), "is registered", id="contract G21.35"),
    ],
)
def test_codes_of_one_meaning_have_one_advice(codes: tuple[int, ...], helps: str) -> None:
    """What helps with one of them helps with all, and is said."""
    (advice,) = {ADVICE[code] for code in codes}
    assert helps in advice.next


@pytest.mark.parametrize(
    ("codes", "who"),
    [
        ((7000215, 7000218, 7000222, 700016), "Codat Portal"),
        ((50011, 50194), "redirect URI"),
        ((65001, 65004, 90094, 90095), "customer's tenant"),
    ],
)
def test_a_customer_who_links_has_other_advice(codes: tuple[int, ...], who: str) -> None:
    """It is our application that they meet.

    contract G21.36, C11.3, C12.4, C12.5 and C12.6
    """
    for code in codes:
        advice = linking_advice_in(f"AADSTS{code}: words.")
        assert advice is not None and who in advice.meaning
        assert "link again" in advice.next or "links again" in advice.next
