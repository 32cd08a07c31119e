"""Who takes part in a rehearsed year, and in which week something happens to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from bcrunbook.run.rehearse.workspace import STANDARD, Rehearsed, RehearsedCustomer

_COOPERATIVE: Final = "hal.cotter@longbarrow-coop.example"
_LABORATORY: Final = "vera.stone@saltmarsh-lab.example"
_SAMPLE: Final = "CRONUS UK Ltd."

Withdrawal = Literal["application", "extension"]
"""What an administrator at a customer's removes: the application, and with it the consent, from
their tenant; or the extension from their environment."""


@dataclass(frozen=True)
class Removed:
    """At a customer's, something is removed.

    Args:
        account: whose customer it is.
        customer: the customer's name in accounts.toml.
        what: what is removed.
        leaves: whether they are asked, and say that they have left; else they link again.
        reason: what they say when they are asked, as a half sentence.
    """

    account: str
    customer: str
    what: Withdrawal
    leaves: bool
    reason: str


@dataclass(frozen=True)
class Leaked:
    """An account's client secret is found where it should not be."""

    account: str
    by: str
    where: str


@dataclass(frozen=True)
class Replaced:
    """The engineer leaves, and another one takes over, by their e-mail addresses in the portal."""

    before: str
    after: str
    reason: str


Deed = Removed | Leaked | Replaced


@dataclass(frozen=True)
class Year:
    """What a year is made of.

    Args:
        accounts: the accounts with their customers; the first is the one that others require.
        weeks: how many there are.
        deeds: what happens in the middle of a week, by its number from 1.
        engineer: who acts in the Codat Portal at first, by their e-mail address.
    """

    accounts: tuple[Rehearsed, ...]
    weeks: int
    engineer: str
    deeds: dict[int, Deed] = field(default_factory=dict)


def _shop(name: str, place: str, number: int) -> RehearsedCustomer:
    environment = f"Site-{number:04d}"
    return RehearsedCustomer(name, f"Longbarrow {place}", _COOPERATIVE, environment, _SAMPLE)


ENGINEER: Final = "lee.osei@millrace.example"
SUCCESSOR: Final = "dana.reyes@millrace.example"

_TRIAL, _PRODUCTION = STANDARD
_JOINERY: Final = _PRODUCTION.customers[0]

STANDARD_YEAR: Final = Year(
    accounts=(
        replace(_TRIAL, customers=(*_TRIAL.customers, _shop("sample-shop", "sample shop", 4))),
        replace(
            _PRODUCTION,
            secret_lifetime_days=150,
            customers=(
                _JOINERY,
                RehearsedCustomer(
                    "saltmarsh", "Saltmarsh Laboratory", _LABORATORY, "Normal", _SAMPLE
                ),
                _shop("ashby", "Ashby shop", 8),
                _shop("birchley", "Birchley shop", 12),
                _shop("corram", "Corram shop", 16),
                _shop("dunmere", "Dunmere shop", 5),
                _shop("elsworth", "Elsworth shop", 6),
                _shop("farrow", "Farrow shop", 20),
                _shop("gillow", "Gillow shop", 24),
                _shop("harnham", "Harnham shop", 28),
            ),
        ),
    ),
    weeks=52,
    engineer=ENGINEER,
    deeds={
        13: Removed(
            "production",
            _JOINERY.name,
            "application",
            leaves=False,
            reason="a new administrator had tidied up and did not know what it was for",
        ),
        24: Leaked("production", "a colleague", "in a shared folder, in a page of notes"),
        31: Replaced(ENGINEER, SUCCESSOR, "leaves the company"),
        36: Removed(
            "production", "harnham", "extension", leaves=True, reason="the shop has closed"
        ),
        48: Removed(
            "production",
            "saltmarsh",
            "application",
            leaves=True,
            reason="they have ended the contract",
        ),
    },
)
