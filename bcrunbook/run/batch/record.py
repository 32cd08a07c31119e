"""What the ledger knows of a batch, so that one that was broken off can be taken up again.

Facts of the step `batch`: one that it began, one for each item that has ended, one that it ended.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bcrunbook.accounts import Identity
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.run.batch.selection import WorkItem

STEP: Final = "batch"
NOBODY: Final = Identity("*", "", "")
"""Whose a fact is that is about all accounts."""


@dataclass(frozen=True)
class Batch:
    """A batch that has begun.

    Args:
        id: names it, and its folder.
        folder: where its notebooks, cards and report go.
        ended: what has ended in it so far: by whom it is about, its steps as plain data.
    """

    id: str
    folder: Path
    ended: dict[str, list[dict[str, Any]]]


def begin(
    ledger: Ledger, folder: Path, items: Sequence[WorkItem], mode: str, *, anew: bool
) -> Batch:
    """Begin a batch, or take up the one that asked for the same and has not ended.

    One may be taken up on another machine: the folder has the batch's name there too. One that was
    broken off before its folder was made, or whose folder somebody removed, is the same batch
    still; `with_notebooks` tells what of it is there.

    Args:
        ledger: the ledger; nobody else may be at a batch meanwhile.
        folder: where a new one's notebooks go.
        items: what it is about.
        mode: `auto`, `plan` or `apply`.
        anew: whether one that has not ended is left alone.
    """
    asked = _asked(items, mode)
    began = ledger.latest(Scope(NOBODY, STEP), FactKind.BATCH_BEGAN)
    is_same = began is not None and began.data["asked"] == asked
    if began and is_same and not anew and not _has_ended(ledger, began.subject):
        begun = folder.with_name(began.subject)
        return Batch(began.subject, begun, _ended_items(ledger, began.subject))
    data = {"asked": asked, "items": len(items), "mode": mode}
    ledger.record(Scope(NOBODY, STEP), FactKind.BATCH_BEGAN, folder.name, "intended", data)
    return Batch(folder.name, folder, {})


def with_notebooks(batch: Batch) -> Batch:
    """A batch of which only that counts as ended whose notebooks are in its folder.

    The rest is run again: that changes nothing that is done, and its record is whole.
    """
    kept = {
        who: lines
        for who, lines in batch.ended.items()
        if all((batch.folder / line["notebook"]).is_file() for line in lines if line["notebook"])
    }
    return replace(batch, ended=kept)


def note_item(
    ledger: Ledger, batch: Batch, item: WorkItem, summaries: list[dict[str, Any]]
) -> None:
    """Note that an item has ended.

    Args:
        ledger: the ledger.
        batch: the batch.
        item: what has ended.
        summaries: how its steps have, as plain data.
    """
    data = {"account": item.account, "customer": item.customer, "lines": summaries}
    ledger.record(Scope(NOBODY, STEP), FactKind.BATCH_ITEM, batch.id, "done", data)


def end(ledger: Ledger, batch: Batch, code: int) -> None:
    """Note that a batch has ended.

    Args:
        ledger: the ledger.
        batch: the batch.
        code: its exit code.
    """
    ledger.record(Scope(NOBODY, STEP), FactKind.BATCH_ENDED, batch.id, "done", {"exit_code": code})


def _asked(items: Sequence[WorkItem], mode: str) -> str:
    request = json.dumps([mode, *sorted([item.who, item.meant] for item in items)])
    return sha256(request.encode("utf-8")).hexdigest()


def _has_ended(ledger: Ledger, batch: str) -> bool:
    return ledger.latest(Scope(NOBODY, STEP), FactKind.BATCH_ENDED, batch) is not None


def _ended_items(ledger: Ledger, batch: str) -> dict[str, list[dict[str, Any]]]:
    facts = ledger.facts(Scope(NOBODY, STEP), FactKind.BATCH_ITEM, batch)
    return {
        WorkItem(fact.data["account"], fact.data["customer"]).who: fact.data["lines"]
        for fact in facts
    }
