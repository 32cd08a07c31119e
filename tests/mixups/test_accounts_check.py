"""`accounts check` tells what is no mistake of the file and yet may not be meant."""

from __future__ import annotations

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.codat import world as codat
from tests.cli.conftest import Command, command
from tests.mixups.conftest import Desk

__all__ = ["command"]

LINK = "link_customer"


def check(desk: Desk, command: Command) -> str:
    """What the command says."""
    desk.load()
    result = command("accounts", "check", "-w", desk.root)
    assert result.code == 0
    return " ".join(result.err.split())


def test_nothing_is_said_of_a_file_that_is_as_it_was(desk: Desk, command: Command) -> None:
    """No question without a reason, and no ledger is made by asking."""
    desk.account("trial")
    desk.customer("trial", "c1", "Tidewater Joinery")
    assert "Is this intended?" not in check(desk, command)
    assert not (desk.root / "ledger.db").exists()
    desk.run("trial", "start_here")
    desk.run("trial", LINK, customer="c1")
    assert "Is this intended?" not in check(desk, command)


def test_a_tenant_that_the_ledger_knows_otherwise(desk: Desk, command: Command) -> None:
    """The account was run in one tenant, and names another now: both are check."""
    desk.account("trial")
    desk.run("trial", "start_here")
    desk.account("trial", tenant=world.TENANTS[world.PRODUCTION].domain)
    text = check(desk, command)
    assert world.TENANTS[world.TRIAL].domain in text
    assert world.TENANTS[world.PRODUCTION].domain in text


def test_a_trial_and_production_in_one_tenant(desk: Desk, command: Command) -> None:
    """By whichever names the file calls the tenant, once the ledger knows them for one."""
    desk.account("trial")
    desk.run("trial", "start_here")
    desk.account("live", kind="production", tenant=world.TRIAL)
    desk.account("live", codat_instance=codat.PRODUCTION.name)
    text = check(desk, command)
    assert "live" in text and "trial" in text and "one tenant" in text


def test_keys_that_were_given_to_other_customers(desk: Desk, command: Command) -> None:
    """Each key that was another customer's when its company was made is check with both names."""
    desk.account("trial")
    for key, name in (("c1", "Tidewater Joinery"), ("c2", "Brackenfield Bakery")):
        desk.customer("trial", key, name)
        desk.run("trial", LINK, customer=key)
    desk.customer("trial", "c1", "Brackenfield Bakery")
    desk.customer("trial", "c2", "Tidewater Joinery")
    lines = check(desk, command).split("Is this intended?")
    assert any("c1 was Tidewater Joinery" in one and "Bakery" in one for one in lines)
    assert any("c2 was Brackenfield Bakery" in one and "Joinery" in one for one in lines)
