"""Writing a handover: a page for people, and the same facts for programs beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from bcrunbook import __version__
from bcrunbook.accounts import Account
from bcrunbook.atomic_write import atomic_write
from bcrunbook.errors import Unreachable
from bcrunbook.ledger.store import Ledger
from bcrunbook.run.handover.account import account_note
from bcrunbook.run.handover.cards import Cards
from bcrunbook.run.handover.model import Handover
from bcrunbook.run.handover.records import read_records
from bcrunbook.run.report import write_page
from bcrunbook.secrets import scrub_json
from bcrunbook.skipped import dates
from bcrunbook.steps import EVERY_STEP
from bcrunbook.views.cells import STATE_WORDS

_PAGE: Final = "handover.html"
_DATA: Final = "handover.json"


def handover_of(ledger: Ledger, accounts: Sequence[Account], root: Path) -> Handover:
    """What another engineer or an auditor needs, of some accounts; asks no service.

    Args:
        ledger: the workspace's ledger.
        accounts: the accounts.
        root: the workspace.
    """
    cards = Cards(root)
    notes = [account_note(read_records(ledger, account), cards) for account in accounts]
    return Handover(dates.now(), __version__, notes)


def as_data(handover: Handover) -> dict[str, Any]:
    """A handover as JSON data, without secrets."""
    data = TypeAdapter(Handover).dump_python(handover, mode="json")
    clean: dict[str, Any] = scrub_json(data, where="a handover")
    return clean


def write_handover(folder: Path, handover: Handover) -> tuple[Path, Path]:
    """Write a handover's page and its data, each whole or not at all.

    Args:
        folder: where they go; made if it is not there.
        handover: what is handed over.

    Returns:
        The page, and the data.

    Raises:
        Unreachable: one cannot be written.
    """
    page, data = folder / _PAGE, folder / _DATA
    write_page(
        page,
        "handover.html",
        title="Handover",
        handover=handover,
        titles={step.id: step.title for step in EVERY_STEP},
        words={state.value: word for state, word in STATE_WORDS.items()},
    )
    try:
        atomic_write(data, (json.dumps(as_data(handover)) + "\n").encode("utf-8"))
    except OSError as error:
        raise Unreachable(
            f"The handover's data cannot be written ({error.strerror or type(error).__name__}).",
            where=str(data),
            next="make room or correct the rights; the page beside it is whole",
        ) from None
    return page, data
