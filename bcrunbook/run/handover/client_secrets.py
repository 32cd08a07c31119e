"""An account's client secrets as a handover tells of them: where each is, never what it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bcrunbook.ledger.scope import FactKind
from bcrunbook.ledger.store import Fact
from bcrunbook.run.handover.model import EndNote, HandedSecret, SavedSecret, SecretNote
from bcrunbook.run.handover.records import Records
from bcrunbook.steps.client_secret.life import SecretLife
from bcrunbook.steps.codat_keys import SAVE_KEYS


def secrets_of(records: Records) -> list[SecretNote]:
    """Every client secret that was stored or seen, the newest first.

    Args:
        records: what the ledger has.
    """
    kinds = (FactKind.SECRET_STORED, FactKind.SECRET_SEEN)
    known = records.of(*kinds)
    markers = dict.fromkeys(one.subject for one in reversed(known) if one.subject)
    return [_secret(records, known, marker) for marker in markers]


def _secret(records: Records, known: list[Fact], marker: str) -> SecretNote:
    mine = [one for one in known if one.subject == marker]
    stored = _last(one for one in mine if one.kind == FactKind.SECRET_STORED)
    seen = _last(one for one in mine if one.kind == FactKind.SECRET_SEEN)
    removed = _last(one for one in records.of(FactKind.SECRET_REMOVED) if one.subject == marker)
    last = mine[-1]
    life = SecretLife.from_dict(last.data, last.at)
    is_gone = removed is not None and removed.id > last.id
    data = stored.data if stored is not None else {}
    return SecretNote(
        marker=marker,
        key_id=data.get("key_id"),
        reference=data.get("reference"),
        stored_at=stored.at if stored is not None else None,
        made_by="hand" if data.get("by") == "hand" else "program",
        identity=data.get("identity"),
        made=_made(seen, life),
        ends=life.ends if life is not None else None,
        removed_at=removed.at if removed is not None and is_gone else None,
        handed=[
            HandedSecret(one.at, str(one.data.get("to", "")), one.data.get("user"))
            for one in records.of(FactKind.SECRET_HANDED_OVER)
            if one.subject == marker
        ],
        saved=[
            SavedSecret(one.said_by or "", one.at)
            for one in records.said
            if one.kind == SAVE_KEYS and one.subject == marker
        ],
    )


def _made(seen: Fact | None, life: SecretLife | None) -> datetime | None:
    """When Entra says that it was made; when it was stored is told apart."""
    return life.made if seen is not None and life is not None else None


def _last(facts: Iterable[Fact]) -> Fact | None:
    return max(facts, key=lambda one: one.id, default=None)


def ends_of(secrets: list[SecretNote], life: SecretLife | None) -> list[EndNote]:
    """When each secret ends that is there, the earliest first.

    Args:
        secrets: the secrets.
        life: the current secret's life.
    """
    there = [one for one in secrets if one.removed_at is None and one.ends is not None]
    notes = [
        EndNote(
            f"the client secret {one.marker}",
            life.renew if life is not None and life.ends == one.ends else None,
            one.ends,
        )
        for one in there
        if one.ends is not None
    ]
    return sorted(notes, key=lambda one: one.ends)
