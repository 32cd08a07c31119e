"""Whose a row of the ledger is: on both databases, of a cloud, tenant, instance and account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bcrunbook.accounts import Identity
from bcrunbook.errors import FixInput, WaitAndRetry
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Ledger
from tests.support.ledgers import Place, no_postgres_settings, place, postgres_server

__all__ = ["no_postgres_settings", "place", "postgres_server"]

TENANT = "3c1f7d92-8a4b-4f06-9e5d-71b2c6a0d834"
MINE = Identity("trial", "live", "contoso.com", "contoso test")
OTHERS = [
    replace(MINE, account="other"),
    replace(MINE, cloud="rehearsal"),
    replace(MINE, tenant="fabrikam.com"),
]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """A new ledger."""
    with place.open() as opened:
        yield opened


def ended(ledger: Ledger, whose: Identity, state: str, customer: str | None = None) -> None:
    """A step that has ended."""
    run = ledger.begin_run(Scope(whose, "codat_keys", customer), "apply")
    ledger.record_outcome(run, Scope(whose, "codat_keys", customer), state, {})


def seen(ledger: Ledger, whose: Identity) -> list[str]:
    """How the account's steps have ended, by each of the three ways to ask."""
    states = [row.state for row in ledger.outcomes(whose)]
    assert [one.state for one in ledger.standings(whose)] == states
    latest = ledger.latest_outcome(Scope(whose, "codat_keys"))
    assert [latest.state] == states if latest else states == []
    return states


@pytest.mark.parametrize("other", OTHERS, ids=["account", "cloud", "tenant"])
def test_what_is_true_of_one_is_not_true_of_another(ledger: Ledger, other: Identity) -> None:
    """Neither facts nor outcomes are found under another account, cloud or tenant."""
    ledger.record(Scope(MINE, "x"), "k", "s", "done", {})
    ended(ledger, MINE, "done")
    assert ledger.facts(Scope(other)) == [] and ledger.latest(Scope(other)) is None
    assert seen(ledger, other) == []
    assert seen(ledger, MINE) == ["done"] and len(ledger.facts(Scope(MINE))) == 1


def test_what_is_about_codat_is_about_an_instance(ledger: Ledger) -> None:
    """An outcome of one instance says nothing of another; what is apart from Codat is of both."""
    ended(ledger, MINE, "done")
    elsewhere = replace(MINE, instance="contoso live")
    assert seen(ledger, elsewhere) == []
    assert seen(ledger, replace(MINE, instance="")) == []
    run = ledger.begin_run(Scope(MINE.apart_from_codat, "start_here"), "apply")
    ledger.record_outcome(run, Scope(MINE.apart_from_codat, "start_here"), "changed", {})
    assert [row.state for row in ledger.outcomes(elsewhere)] == ["changed"]


def test_a_tenant_may_be_named_by_its_id_or_its_domains(ledger: Ledger) -> None:
    """What was noted before the id was known is found by the id, and the other way round."""
    ledger.record(Scope(MINE, "x"), "k", "early", "done", {})
    by_id, by_other = replace(MINE, tenant=TENANT), replace(MINE, tenant="contoso.example")
    assert ledger.facts(Scope(by_id)) == []
    ledger.note_tenant(MINE, TENANT.upper())
    ledger.note_tenant(MINE, TENANT)
    ledger.note_tenant(by_other, TENANT)
    ledger.record(Scope(by_id, "x"), "k", "late", "done", {})
    for whose in (MINE, by_id, by_other):
        assert [fact.subject for fact in ledger.facts(Scope(whose))] == ["early", "late"]
        assert ledger.tenant_of(whose) == TENANT
    assert ledger.facts(Scope(replace(by_id, cloud="rehearsal"))) == []


def test_a_domain_that_moved_is_refused(ledger: Ledger) -> None:
    """It led to one tenant and leads to another: both are named."""
    ledger.note_tenant(MINE, TENANT)
    other = "b47e02c5-19d3-4a8f-8c61-5e9f3d7a2b10"
    with pytest.raises(FixInput, match=f"{TENANT}.*{other}"):
        ledger.note_tenant(MINE, other)
    ledger.note_tenant(replace(MINE, cloud="rehearsal"), other)


def test_an_account_that_is_known_elsewhere(ledger: Ledger) -> None:
    """The other identities of a name are told, not those of other names."""
    assert ledger.strangers(MINE) == []
    for whose in (MINE, *OTHERS):
        ended(ledger, whose, "done")
    assert set(ledger.strangers(MINE)) == set(OTHERS[1:])


def test_rows_of_an_earlier_version_are_nobodys_until_claimed(place: Place) -> None:
    """They are found under no identity, told as unknown, and kept when somebody says whose."""
    place.build("0003")
    for cloud in ("live", "rehearsal"):
        place.change(
            "INSERT INTO run (id, account, step, mode, cloud, started_at, version)"
            f" VALUES ('{cloud}', 'trial', 'codat_keys', 'apply', '{cloud}', '2026-01-01', '0')"
        )
        for table, columns, values in (
            ("outcome", "state", "'done'"),
            ("fact", "kind, subject, basis", "'k', 's', 'done'"),
        ):
            place.change(
                f"INSERT INTO {table} (run_id, at, account, step, data, {columns})"
                f" VALUES ('{cloud}', '2026-01-01', 'trial', 'codat_keys', '{{}}', {values})"
            )
    with place.open() as ledger:
        assert ledger.facts(Scope(MINE)) == [] and seen(ledger, MINE) == []
        assert ledger.strangers(MINE) == [None]
        assert ledger.claim(replace(MINE, account="other")) == 0
        assert ledger.claim(MINE) == 1
        assert seen(ledger, MINE) == ["done"] and len(ledger.facts(Scope(MINE))) == 1
        # What was only rehearsed is not claimed for the live cloud.
        assert seen(ledger, replace(MINE, cloud="rehearsal")) == []


async def test_a_lease_that_was_taken_over_is_no_lease(ledger: Ledger, place: Place) -> None:
    """Whoever holds it may go on; whoever slept through it is told, each time they ask."""
    async with ledger.lease("account/trial", what="step x") as held:
        held.check()
        place.change("UPDATE lease SET token = 'another', holder = 'ada', host = 'elsewhere'")
        with pytest.raises(WaitAndRetry, match="ada@elsewhere"):
            held.check()
        place.change("DELETE FROM lease")
        with pytest.raises(WaitAndRetry, match="another run"):
            held.check()
