"""`bcrunbook explain`: codes of Microsoft and our own words, in plain language."""

from __future__ import annotations

import pytest

from bcrunbook.core.step import State
from tests.cli.conftest import Command


@pytest.mark.parametrize("code", ["AADSTS50076", "50076", "aadsts50076", " AADSTS50076 "])
def test_a_code_is_found_however_it_is_written(code: str, command: Command) -> None:
    """With or without its prefix, in any case."""
    told = command("explain", code, "--json").data
    assert told["code"] == "AADSTS50076"
    assert "second factor" in told["meaning"]
    assert told["next"] and told["who"]


def test_a_code_of_a_federated_sign_in_is_explained(command: Command) -> None:
    """What a CI job meets whose subject is not the registered one."""
    told = command("explain", "AADSTS700213", "--json").data
    assert "subject" in told["meaning"] and "federated credential" in told["next"]


def test_a_refusal_of_key_vault_is_explained(command: Command) -> None:
    """The code that a card quotes when a vault refuses."""
    told = command("explain", "forbiddenbygovernancepolicy", "--json").data
    assert "content type" in told["meaning"] and "secret_lifetime" in told["next"]


def test_a_status_of_codat_is_explained(command: Command) -> None:
    """Codat has no codes of its own: its errors quote the HTTP status."""
    told = command("explain", "402", "--json").data
    assert "plan" in told["meaning"] and "account manager" in told["who"]


@pytest.mark.parametrize("state", list(State))
def test_every_outcome_is_explained_with_its_exit_code(state: State, command: Command) -> None:
    """done, changed, pending, ...: what they mean and what comes next."""
    told = command("explain", state.value)
    assert told.code == 0
    assert "exit code" in told.out and "next:" in told.out


def test_a_mistyped_code_is_met_with_the_nearest(command: Command) -> None:
    """One suggestion, not the whole table; exit 2."""
    told = command("explain", "Authorization_RequestDenid")
    assert told.code == 2
    assert 'did you mean "Authorization_RequestDenied"?' in told.err
    unlike = command("explain", "nonsense")
    assert unlike.code == 2 and "AADSTS50076" not in unlike.err
    assert len(unlike.err.splitlines()) <= 4
