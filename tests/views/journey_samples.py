"""Accounts on their way, for the tests of the map: the beginning, the middle and the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from bcrunbook.core.step import Change, HandOff, Outcome, State
from bcrunbook.core.stored import StoredOutcome
from bcrunbook.order import CODAT_KEYS, HEALTH_CHECK, LINK_CUSTOMER
from bcrunbook.steps import SETUP_STEPS
from bcrunbook.steps.journey import journey_of

_NOW: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
WHO: Final = "a Developer or Administrator of the Codat Portal"


def ended(step: str, state: State, customer: str = "", **values: Any) -> StoredOutcome:
    """How a step ended, as the ledger keeps it."""
    return StoredOutcome(
        _NOW, Outcome(step, "trial", state, "apply", "rehearsal", "", customer=customer, **values)
    )


def handed_to(who: str, step: str = CODAT_KEYS) -> StoredOutcome:
    """A step that waits for somebody."""
    handed = HandOff(who=who, actions=("sign in",), link="https://codat.example/keys")
    change = Change("save", "save the keys", by="person", hand_off=handed)
    return ended(step, State.NEEDS_PERSON, changes=(change,))


def before(step: str) -> list[StoredOutcome]:
    """The steps before one, all passed."""
    ids = [one.id for one in SETUP_STEPS]
    return [ended(one, State.CHANGED) for one in (ids[: ids.index(step)] if step in ids else ids)]


FRESH: Final = journey_of("trial", "rehearsal", (), ())
A_PERSONS_TURN: Final = journey_of(
    "trial", "rehearsal", ("bakery",), [*before(CODAT_KEYS), handed_to(WHO)]
)
PARTLY_LINKED: Final = journey_of(
    "trial",
    "live",
    ("bakery", "joinery", "orchard"),
    [
        *before(LINK_CUSTOMER),
        ended(LINK_CUSTOMER, State.DONE, "bakery"),
        ended(LINK_CUSTOMER, State.WAITING, "joinery"),
    ],
)
ALL_DONE: Final = journey_of(
    "trial",
    "live",
    ("bakery",),
    [
        *before(LINK_CUSTOMER),
        ended(LINK_CUSTOMER, State.DONE, "bakery"),
        ended(HEALTH_CHECK, State.DONE),
    ],
)
EVERY_JOURNEY: Final = (FRESH, A_PERSONS_TURN, PARTLY_LINKED, ALL_DONE)
