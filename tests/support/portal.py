"""Codat's side of the rehearsal cloud, as the tests of the two portal steps need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bcrunbook.accounts import Workspace
from bcrunbook.core import confirmations
from bcrunbook.core.step import Change, HandOff, Outcome
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact, open_ledger
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.rehearsal.people import PortalPerson, developer_of
from tests.conftest import keep_secret, only_account


def at_portal(cloud: RehearsalDescription, login: str = "", instance: str = "") -> PortalPerson:
    """Somebody who has signed in to the portal and chosen an instance: the trial's Developer."""
    name = instance or cloud.codat["instance"]
    emails = [user["email"] for user in cloud.codat["users"]]
    email = next((one for one in emails if login and one.startswith(login)), "")
    person = PortalPerson(cloud, email or developer_of(cloud, name))
    person.sign_in()
    person.choose(name)
    return person


def set_enabled(cloud: RehearsalDescription, on: bool) -> None:
    """Bring the trial's toggle to a state; the keys typed before, if need be, are nobody's."""
    person = at_portal(cloud)
    try:
        person.toggle(on)
    except Exception:
        # The toggle cannot be clicked before keys were saved once.
        person.save_keys(
            "0d9e7c55-2a39-4d8b-9f5e-aa11bb22cc33", "a-first-pair-of-keys", enable="later"
        )
        person.toggle(on)


def instance_with_plan(cloud: RehearsalDescription, plan: str) -> dict[str, str]:
    """An instance by its plan."""
    return dict(next(one for one in cloud.codat["instances"] if one["plan"] == plan))


def api_key(workspace: Workspace, value: str) -> None:
    """Put another API key where the account looks for it."""
    keep_secret(workspace.root.parent / "secret-store" / "codat", value, "trial")


def handed(outcome: Outcome) -> HandOff:
    """The one thing that an outcome hands over."""
    (change,) = outcome.hand_offs
    assert change.hand_off is not None
    return change.hand_off


def confirm(workspace: Workspace, outcome: Outcome, by: str = "Ada") -> None:
    """Say that what an outcome hands over is done."""
    (change,) = outcome.hand_offs
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        whose = workspace.account(outcome.account).identity
        confirmations.confirm(
            ledger, Scope(whose, outcome.step, outcome.customer or None), change, by
        )


def facts(workspace: Workspace, step: str, kind: str) -> list[Fact]:
    """What the ledger has about a step."""
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        return ledger.facts(Scope(workspace.account(only_account(workspace)).identity, step), kind)


def calls(cloud: RehearsalDescription) -> int:
    """How many requests Codat's API has answered so far."""
    return Path(cloud.requests).read_text("utf-8").count('"host": "api.codat.io"')


def row(outcome: Outcome, name: str) -> Any:
    """A finding by its name."""
    (found,) = [one for one in outcome.findings if one.name == name]
    return found


class AtOnce:
    """Somebody who does what they are asked for, and says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def confirm(self, change: Change) -> str:
        """Say that it is done."""
        self.asked.append(change.key)
        return "Ada Lovelace"

    async def wait(self, change: Change, seconds: float) -> bool:
        """Nothing here is waited for."""
        return False

    async def ended(self, change: Change) -> bool:
        """Nothing here is waited for."""
        return False

    def leave(self) -> None:
        """They go."""
