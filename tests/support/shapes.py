"""Rehearsals without trouble that keep a journal: what the rehearsal cloud's answers look like.

They go where the program goes: every way to sign in, a vault, customers who link, what is there
already or was taken away, and what people get wrong by themselves (a wrong secret, a tenant that is
not there, somebody without rights).
"""

from __future__ import annotations

import asyncio
from itertools import chain
from pathlib import Path

from bcrunbook.accounts import Workspace
from bcrunbook.journal.entry import JournalEntry
from bcrunbook.journal.file import read_journals
from bcrunbook.rehearsal import launch
from tests.support.independent_client import person_of
from tests.support.running import UP_TO_KEYS
from tests.support.shape_runs import (
    STRICT,
    account_of,
    adopted,
    as_far_as_it_goes,
    at_once,
    by_hand,
    customers,
    just_made,
    lay_out_with_wrong_secrets,
    other_sign_ins,
    taken_apart,
)


def journal_of(workspace: Workspace) -> list[JournalEntry]:
    """What the journals of a workspace hold."""
    return list(read_journals([workspace.root / "runs"]).entries)


async def clean_rehearsals(folder: Path, lags: str = "usual", pairs: int = 1) -> list[JournalEntry]:
    """The journals of all of them.

    Args:
        folder: an empty one.
        lags: the cloud's, `usual` or `worst`.
        pairs: how often two colleagues set an account up at the same moment.
    """
    with launch(folder / "cloud", skips=True, latency_ms=0, lags=lags) as cloud:
        robin, sam = (person_of(cloud, name) for name in ("robin", "sam"))
        person = {"sign_in": by_hand(cloud)}
        vault = {"secret_store": f"keyvault:{cloud.accounts['trial']['vault']}"}
        # Together: each waits for the cloud most of the time.
        made = await asyncio.gather(
            customers(folder, cloud),
            account_of(folder / "plain", cloud),
            account_of(folder / "person", cloud, robin, **person),
            account_of(folder / "member", cloud, sam, **person),
            account_of(folder / "nowhere", cloud, tenant="nowhere.example"),
            account_of(folder / "vault-of-person", cloud, robin, **person, **vault),
            adopted(folder / "adopted", cloud),
            just_made(folder / "just-made", cloud),
            *(account_of(folder / name, cloud, tenant=one) for name, one in STRICT.items()),
        )
        # One after the other: what is deleted stands in a list, whose order is noted.
        removed = [
            await taken_apart(folder / "vault", cloud, **vault),
            await taken_apart(folder / "file", cloud),
        ]
        others = await other_sign_ins(folder, cloud)
        twice = [await at_once(folder / f"at-once-{one}", cloud) for one in range(pairs)]
        wrong = lay_out_with_wrong_secrets(folder / "wrong", cloud)
        await as_far_as_it_goes(wrong, *UP_TO_KEYS)
        workspaces = (*made, *removed, *others.values(), *chain(*twice), wrong)
        return [entry for workspace in workspaces for entry in journal_of(workspace)]
