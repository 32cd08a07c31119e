"""Rehearsals without trouble that keep a journal: what the rehearsal cloud's answers look like.

They go where the program goes: an application that signs in and a person, a vault, customers who
link, and what people get wrong by themselves (a wrong secret, a tenant that is not there, somebody
without rights).
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from bcrunbook.accounts import Workspace
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.errors import RunbookError
from bcrunbook.journal.entry import JournalEntry
from bcrunbook.journal.file import read_journals
from bcrunbook.order import HEALTH_CHECK
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import keep_secret, lay_out
from tests.support.independent_client import Typist, person_of
from tests.support.linking import (
    SCRIPTS,
    lab_customer,
    link,
    run_link_customer,
    set_up,
    with_journal,
)
from tests.support.running import UP_TO_KEYS, run_steps

SPEED = 200.0
LINKING = ("normal", "fetch-errors", "licence-missing", "deployment-failed", "later-uninstalled")
"""The customers who link, by the script that they live through."""


def journal_of(workspace: Workspace) -> list[JournalEntry]:
    """What the journals of a workspace hold."""
    return list(read_journals([workspace.root / "runs"]).entries)


async def clean_account(
    folder: Path, cloud: RehearsalDescription, person: Typist | None = None, **changes: Any
) -> Workspace:
    """An account that goes as far as it does by itself, twice; the second finds all there."""
    folder.mkdir()
    workspace = with_journal(lay_out(folder, cloud, {folder.name: changes}))
    for _ in range(2):
        with contextlib.suppress(RunbookError):
            await run_steps(workspace, *UP_TO_KEYS, person=person)
    return workspace


async def clean_customers(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with customers who link, and a check of it."""
    customers = [lab_customer(name, SCRIPTS[name]) for name in LINKING]
    workspace = await set_up(folder, cloud, customers, journal=True)
    account = workspace.account("trial")
    async with open_context(workspace, account) as context:

        async def one(name: str) -> None:
            await run_link_customer(context, name)
            await link(context, cloud, name)
            await run_link_customer(context, name)

        await asyncio.gather(*(one(name) for name in LINKING))
        await run_in_context(step_named(HEALTH_CHECK), context, Mode.APPLY)
    return workspace


async def clean_rehearsals(folder: Path, speed: float = SPEED) -> list[JournalEntry]:
    """The journals of all of them.

    Args:
        folder: an empty one.
        speed: the cloud's. What is refused while something spreads depends on it.
    """
    found: list[JournalEntry] = []
    with launch(folder / "cloud", speed=speed, latency_ms=0) as cloud:
        found += journal_of(await clean_customers(folder, cloud))
        by_hand = {
            "sign_in": {
                "method": "device_code",
                "client_id": cloud.clients["bootstrap"],
                "cache": "memory",
            }
        }
        vault = {"secret_store": f"keyvault:{cloud.accounts['trial']['vault']}"}
        accounts: list[tuple[Typist | None, dict[str, Any]]] = [
            (None, {"name": "plain"}),
            (None, {"name": "vault", **vault}),
            (person_of(cloud, "robin"), {"name": "person", **by_hand}),
            (person_of(cloud, "sam"), {"name": "member", **by_hand}),
            (None, {"name": "nowhere", "tenant": "nowhere.example"}),
        ]
        for person, changes in accounts:
            name = changes.pop("name")
            workspace = await clean_account(folder / name, cloud, person, **changes)
            found += journal_of(workspace)
        wrong = with_journal(lay_out_with_wrong_secrets(folder / "wrong", cloud))
        with contextlib.suppress(RunbookError):
            await run_steps(wrong, *UP_TO_KEYS)
        found += journal_of(wrong)
    return found


def lay_out_with_wrong_secrets(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """A workspace whose sign-in secret and API key are nobody's."""
    folder.mkdir()
    workspace = lay_out(folder, cloud, {"trial": {}})
    keep_secret(folder / "secret-store" / "sign-in", "Ab1Q~" + "x" * 35)
    keep_secret(folder / "secret-store" / "codat", "a" * 40, "trial")
    return workspace
