"""`bcrunbook explain`: codes of services and our own words, in plain language."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from bcrunbook import errors
from bcrunbook.core.step import EXIT_CODES, Action, Change, Comparison, Finding, Mode, State
from bcrunbook.steps.link_customer.installation.verdict import Verdict
from bcrunbook.views.cells import STATE_WORDS, View, findings_view, plan_view
from tests.cli.conftest import Command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("code", ["AADSTS50076", "50076", "aadsts50076", " AADSTS50076 "])
def test_a_code_is_found_however_it_is_written(code: str, command: Command) -> None:
    """With or without its prefix, in any case."""
    data = command("explain", code, "--json").data
    assert data["code"] == "AADSTS50076"
    assert "second factor" in data["meaning"]
    assert data["next"] and data["who"]


def test_a_code_of_a_federated_sign_in_is_explained(command: Command) -> None:
    """What a CI job meets whose subject is not the registered one."""
    data = command("explain", "AADSTS700213", "--json").data
    assert "subject" in data["meaning"] and "federated credential" in data["next"]


def test_a_refusal_of_key_vault_is_explained(command: Command) -> None:
    """The code that a card quotes when a vault refuses."""
    data = command("explain", "forbiddenbygovernancepolicy", "--json").data
    assert "content type" in data["meaning"] and "secret_lifetime" in data["next"]


def test_a_status_of_codat_is_explained(command: Command) -> None:
    """Codat has no codes of its own: its errors quote the HTTP status."""
    data = command("explain", "402", "--json").data
    assert "plan" in data["meaning"] and "account manager" in data["who"]


@pytest.mark.parametrize("state", list(State))
def test_every_outcome_is_explained_with_its_exit_code(state: State, command: Command) -> None:
    """done, changed, pending, ...: what they mean and what comes next."""
    result = command("explain", state.value)
    assert result.code == 0
    assert "exit code" in result.out and "next:" in result.out


def rows_of(contract: str, *facts: str) -> str:
    """What these facts of a contract say."""
    text = (ROOT / "docs" / "contracts" / f"{contract}.md").read_text("utf-8")
    return "\n".join(line.split("|")[2] for line in text.splitlines() if line.startswith(facts))


def in_contracts() -> set[str]:
    """The states and codes that the contracts tell of links, syncs and installations."""
    states = [f'| <a id="c{fact}"></a>' for fact in ("8-4", "8-5", "8-6", "8-7", "9-10", "9-11")]
    found = re.findall(r"`([A-Z][a-z]+\w*)`", rows_of("codat", *states))
    codes = [f'| <a id="b11-{fact}"></a>' for fact in (*range(13, 21), 23, 24)]
    states = [f'| <a id="b{fact}"></a>' for fact in ("4-6", "8-3", "9-14")]
    of_installations = rows_of("businesscentral", *states, *codes)
    found += re.findall(r"`([A-Za-z]+(?:_[A-Za-z]+)?)`", of_installations)
    return set(found) - {"status"}


def in_enums() -> set[str]:
    """The words of the program's own lists."""
    kinds = [one for one in vars(errors).values() if hasattr(one, "exit_code")]
    codes = {*EXIT_CODES.values(), *(one.exit_code for one in kinds), 130}
    words = [*State, *STATE_WORDS.values(), *Comparison, *Mode, "auto", *Verdict]
    return {str(word) for word in words} | {str(code) for code in codes}


def tags_of(view: View) -> set[str]:
    """The words that a view sets in a tag."""
    return set(re.findall(r'class="tag[^"]*">\s*([^<]+?)\s*<', view.html))


def in_views() -> set[str]:
    """The words that stand beside a finding and beside a change."""
    found = set()
    for verdict in Comparison:
        found |= tags_of(findings_view([Finding("Name", "this", "that", "a look", verdict)]))
    for action in get_args(Action):
        for by in ("program", "person"):
            if (by, action) != ("program", "confirm"):
                found |= tags_of(plan_view([Change("key", "do it", by=by, action=action)], ""))
    return found


_OF_PORTALS = {"later"}
"""Words that stand in a portal's dialog, and nowhere as a state."""


def in_notebooks() -> set[str]:
    """The codes and states in the tables of the notebooks about what can go wrong."""
    found: set[str] = set()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
            text = "".join(cell["source"])
            if cell["cell_type"] != "markdown" or "what you see" not in text.lower():
                continue
            seen = "\n".join(line.split("|")[1] for line in text.splitlines() if line[:1] == "|")
            found |= set(re.findall(r"AADSTS\d+", seen))
            found |= set(re.findall(r"`([A-Za-z_]+)`", seen))
            found |= set(re.findall(r"\*([a-z]+|[A-Z][a-z]+[A-Z]\w+)\*", seen))
    return found - _OF_PORTALS


@pytest.mark.parametrize(
    ("words", "among"),
    [
        (in_contracts(), {"PendingAuth", "Deauthorized", "FetchError", "BadRequest_NotFound"}),
        (in_enums(), {"needs_person", "differs", "unlinked in Codat", "3", "130"}),
        (in_views(), {"not known", "differs"}),
        (in_notebooks(), {"AADSTS7000215", "AuthError", "unconfirmed"}),
    ],
    ids=["contracts", "enums", "views", "notebooks"],
)
def test_every_word_on_a_screen_is_explained(
    words: set[str], among: set[str], command: Command
) -> None:
    """Whatever the program prints, it can say what it means.

    contract B4.6, B8.3 and C9.10
    """
    assert among <= words
    assert [word for word in sorted(words) if command("explain", word).code != 0] == []


@pytest.mark.parametrize("word", ["pendingauth", "needs a person", "exit code 3", "Needs-Person"])
def test_a_word_is_found_however_it_is_written(word: str, command: Command) -> None:
    """In any case, as the person reads it or as data has it."""
    assert command("explain", word).code == 0


def test_a_whole_message_is_explained(command: Command) -> None:
    """What a row or an error says may be pasted as it stands."""
    message = "AADSTS50076: Due to a configuration change made by your administrator"
    assert command("explain", message, "--json").data["code"] == "AADSTS50076"
    verdict = "uninstalled: not there any more; 26.0 was there on 2026-11-01"
    assert command("explain", verdict, "--json").data["code"] == "uninstalled"


def test_without_a_word_it_lists_what_there_is(command: Command) -> None:
    """Each word, under where it is met; for programs with what it means."""
    listed = command("explain")
    assert listed.code == 0
    assert {"PendingAuth", "differs", "unconfirmed"} <= set(re.split(r"[;\s]+", listed.out))
    data = command("explain", "--json").data
    names = [one["code"] for one in data]
    assert len({name.lower() for name in names}) == len(names)
    for one in data:
        for key in ("meaning", "next", "who"):
            assert one[key].strip(" .") == one[key] != "", one
        assert command("explain", one["code"], "--json").data == one


def test_a_mistyped_code_is_met_with_the_nearest(command: Command) -> None:
    """One suggestion, not the whole table, and only of what is near; exit 2."""
    result = command("explain", "Authorization_RequestDenid")
    assert result.code == 2
    assert 'did you mean "Authorization_RequestDenied"?' in result.err
    for unlike in ("nonsense", "AADSTS99999999", "AADSTS50075", "99999999"):
        result = command("explain", unlike)
        assert result.code == 2 and "did you mean" not in result.err
        assert len(result.err.splitlines()) <= 4
