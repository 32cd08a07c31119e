"""`bcrunbook explain`: codes of Microsoft and our own words, in plain language."""

from __future__ import annotations

import pytest

from bcrunbook.core.step import State
from tests.cli.conftest import Command


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


def test_a_mistyped_code_is_met_with_the_nearest(command: Command) -> None:
    """One suggestion, not the whole table; exit 2."""
    result = command("explain", "Authorization_RequestDenid")
    assert result.code == 2
    assert 'did you mean "Authorization_RequestDenied"?' in result.err
    unlike = command("explain", "nonsense")
    assert unlike.code == 2 and "AADSTS50076" not in unlike.err
    assert len(unlike.err.splitlines()) <= 4
