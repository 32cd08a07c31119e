"""Secrets and closing cards as they may be shown, with values like those of a real account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from bcrunbook.accounts import Account
from bcrunbook.steps.client_secret.life import SecretLife
from bcrunbook.steps.closing import Closing, Helper, Took
from bcrunbook.views.cells import View
from bcrunbook.views.closing import NextThing, closing_view
from bcrunbook.views.secret_life import secret_life_view

GUID: Final = "7a6ec848-bb0f-4884-9c13-d2cf39a41292"
NOW: Final = datetime(2026, 11, 29, 14, 5, tzinfo=UTC)
DAY: Final = timedelta(days=1)
LINE: Final = "0 7 * * 1 /srv/runbook/environment/bin/bcrunbook check trial --workspace /srv/books"

LIVES: Final = tuple(
    SecretLife(GUID, NOW + (left - whole) * DAY, NOW + left * DAY)
    for left, whole in (
        (90, 90),
        (89, 90),
        (45, 90),
        (30, 90),
        (7, 90),
        (0, 90),
        (700, 730),
        (9, 9),
    )
)


def account(**values: str) -> Account:
    """An account."""
    given = {"name": "trial", "kind": "trial", "tenant": "contoso.com", "application": "Books"}
    return Account.model_validate({**given, **values})


FULL: Final = Closing(
    account=account(application="Contoso Lending (trial)"),
    client_id=GUID,
    changes={"Microsoft Entra": 5, "Codat": 2},
    customers=(
        "Northwind",
        "Brackenfield Bakery",
        "Joinery & Sons",
        "Four",
        "Five",
        "Six",
        "Seven",
    ),
    helpers=(
        Helper("lee.osei@millrace.example", "I have saved these keys in the Codat Portal", NOW),
        Helper("Ada Lovelace", "It is the same company", NOW),
    ),
    took=Took(timedelta(hours=26, minutes=4), timedelta(minutes=9, seconds=12)),
    data_since=NOW,
    production=None,
)
EMPTY: Final = Closing(account(), "", {}, (), (), None, None, None)
FOLLOWING: Final = (
    NextThing("Do the same for production:", "bcrunbook plan production --workspace /srv/books"),
    NextThing("Have it checked each Monday: a line for crontab -e", LINE),
    NextThing("See what the last run came to:", link=("the report", "../runs/1/report.html")),
)


def secrets_and_closings() -> list[View]:
    """Each of them."""
    return [
        *(secret_life_view(one, NOW, "BEGIN:VCALENDAR", "calendar/trial.ics") for one in LIVES),
        closing_view(FULL, "Millrace Software (trial)", FOLLOWING),
        closing_view(EMPTY, "Contoso (trial)", ()),
    ]
