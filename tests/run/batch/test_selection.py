"""Who is meant by what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bcrunbook.accounts import Account, Customer, Workspace
from bcrunbook.errors import FixInput, NotFound
from bcrunbook.ledger.store import Standing
from bcrunbook.run.batch.selection import Selection, chosen

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def account(name: str, kind: str, customers: tuple[str, ...] = (), **more: object) -> Account:
    """An account as `load` would give it."""
    made = {
        one: Customer(
            name=one, display_name=one, contact=f"a@{one}.example", tenant=f"{one}.example"
        )
        for one in customers
    }
    values = {"kind": kind, "tenant": f"{name}.example", "application": "Books", **more}
    return Account.model_validate({"name": name, **values}).model_copy(update={"customers": made})


WORKSPACE = Workspace(
    root=Path("somewhere"),
    accounts={
        one.name: one
        for one in (
            account("trial", "trial", ("mill", "milton"), tags=["uk"]),
            account("trial-es", "trial", ("molino",), tags=["es", "wave-2"]),
            account("prod", "production", ("bakery",), tags=["uk"], requires="trial"),
        )
    },
)
ALL = ["trial", "trial/mill", "trial/milton", "trial-es", "trial-es/molino", "prod", "prod/bakery"]


def stood(**states: str) -> dict[tuple[str, str, str], Standing]:
    """How steps ended last: `trial__mill__link_customer="failed"`."""
    standings = {}
    for key, state in states.items():
        name, customer, step = key.split("__")
        standings[name, customer, step] = Standing(name, customer or None, step, state, NOW, "1")
    return standings


STOOD = stood(
    trial____start_here="done",
    trial____register_application="changed",
    trial____client_secret="failed",
    trial____codat_keys="needs_person",
    trial__mill__link_customer="needs_person",
    prod____start_here="needs_person",
    prod____codat_keys="failed",
    prod__bakery__link_customer="done",
)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ALL),
        (Selection(("trial",)), ALL[:3]),
        (Selection(("trial*",)), ALL[:5]),
        (Selection(("trial/mil*",)), ALL[1:3]),
        (Selection(("*/m*",)), ["trial/mill", "trial/milton", "trial-es/molino"]),
        (Selection(("prod", "trial/mill")), ["trial/mill", "prod", "prod/bakery"]),
        (Selection(kind="production"), ALL[5:]),
        (Selection(tags=("wave-2",)), ALL[3:5]),
        (Selection(tags=("wave-2", "uk")), ALL),
        (Selection(("trial*",), tags=("uk",)), ALL[:3]),
        (Selection(failed=True), ["trial"]),
        (Selection(needs_person=True), ["trial/mill", "prod"]),
        (Selection(failed=True, needs_person=True), ["trial", "trial/mill", "prod"]),
        (Selection(kind="production", needs_person=True), ["prod"]),
    ],
)
def test_who_is_meant(selection: Selection, expected: list[str]) -> None:
    """In the order of the file, each account before its customers."""
    assert [one.who for one in chosen(WORKSPACE, selection, STOOD)] == expected


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        (Selection(("trail",)), 'did you mean "trial"'),
        (Selection(("trial/mull",)), 'did you mean "trial/mill"'),
        (Selection(tags=("wave2",)), 'did you mean "wave-2"'),
    ],
)
def test_a_slip_is_told_with_what_is_near(selection: Selection, says: str) -> None:
    """A pattern or a tag that fits nothing."""
    with pytest.raises(NotFound) as caught:
        chosen(WORKSPACE, selection, STOOD)
    assert says in caught.value.next


def test_nothing_is_meant() -> None:
    """What fits, but leaves nobody."""
    with pytest.raises(FixInput, match="No account or customer matches"):
        chosen(WORKSPACE, Selection(("trial-es",), failed=True), STOOD)
