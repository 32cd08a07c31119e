"""The people of a world: they do what the cards say, sooner or later, and sometimes wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bcrunbook.accounts import Account, Workspace
from bcrunbook.core import confirmations
from bcrunbook.core.step import Change, Outcome
from bcrunbook.core.stored import latest_outcomes
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import LINK_CUSTOMER, UPKEEP
from bcrunbook.rehearsal.people import (
    CustomerPerson,
    PortalPerson,
    UnexpectedPage,
    developer_of,
)
from bcrunbook.secrets import SecretReference, read
from bcrunbook.steps.codat_keys import SAVE_KEYS
from bcrunbook.steps.enable_integration import ENABLE
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.link_customer.step import LINK
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.retire_account.changes import DISABLE
from bcrunbook.steps.retire_customer import TELL
from tests.simulation.drawing import Slip
from tests.simulation.others import Others
from tests.simulation.processes import Machine
from tests.simulation.standin import StandIn

_WHOSE = "whose_application"


@dataclass
class People:
    """Whoever has to act.

    Args:
        workspace: the workspace.
        cloud: the cloud.
        machine: where they give their commands.
        others: who can rename an application.
        slips: what they do wrong, one after the other.
        said: what they did, in words.
        typos: accounts whose keys were saved wrongly.
        linked: when each customer went through with a link first.
        refused: customers who were told that they cannot link, and do not try again.
    """

    workspace: Workspace
    cloud: StandIn
    machine: Machine
    others: Others
    slips: list[Slip]
    said: list[str]
    typos: dict[str, bool] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    linked: dict[str, datetime] = field(default_factory=dict)

    def are_careful(self) -> None:
        """From now on they do what the cards say, and what they did wrong they mend."""
        self.slips.clear()
        for account in self.workspace.accounts.values():
            if self.typos.pop(account.name, False):
                self._save_right_keys(account)

    async def act(self, *, ending: bool = False) -> bool:
        """Do what the newest cards say; returns whether anybody did anything.

        Args:
            ending: whether only cards of upkeep count, whatever was open before.
        """
        acted = False
        for account in self.workspace.accounts.values():
            for outcome in self._outcomes(account):
                if ending != (outcome.step in UPKEEP):
                    continue
                for change in outcome.hand_offs:
                    slip = self.slips.pop(0) if self.slips and _may_slip(change) else None
                    acted = await self._do(account, outcome, change, slip) or acted
        return acted

    def _outcomes(self, account: Account) -> Sequence[Outcome]:
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            return [one.outcome for one in latest_outcomes(ledger, account.identity)]

    async def _do(
        self, account: Account, outcome: Outcome, change: Change, slip: Slip | None
    ) -> bool:
        who = f"{account.name}/{outcome.customer}" if outcome.customer else account.name
        if slip == "not yet":
            self.said.append(f"nobody has done {change.key} for {who} yet")
            return True
        try:
            match change.key:
                case key if key == SAVE_KEYS:
                    await self._save_keys(account, outcome, change, slip)
                case key if key == ENABLE:
                    await self._enable(account, slip)
                case key if key == LINK and outcome.step == LINK_CUSTOMER:
                    if not await self._link(account, outcome, slip):
                        return False
                case key if key == DISABLE:
                    self._developer(account).toggle(False)
                case key if key == TELL:
                    self._say_told(account, outcome, change)
                case key if key == _WHOSE and outcome.step not in UPKEEP:
                    self.others.rename_back(account)
                case _:
                    return False
        except UnexpectedPage as page:
            self.said.append(f"{change.key} for {who} went wrong: {page}")
            return True
        except RunbookError as error:
            self.said.append(f"{change.key} cannot be done for {who}: {error.what}")
            return False
        self.said.append(f"{change.key} was done for {who}" + (f" ({slip})" if slip else ""))
        return True

    def _say_told(self, account: Account, outcome: Outcome, change: Change) -> None:
        """Say that a customer was told what is left with them, once."""
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            scope = Scope(account.identity, outcome.step, outcome.customer)
            confirmations.confirm(ledger, scope, change, "Ada")

    def _developer(self, account: Account) -> PortalPerson:
        instance = account.codat_instance or ""
        person = PortalPerson(
            self.cloud.description, developer_of(self.cloud.description, instance)
        )
        person.sign_in()
        person.choose(instance)
        return person

    async def _save_keys(
        self, account: Account, outcome: Outcome, change: Change, slip: Slip | None
    ) -> None:
        card = change.hand_off
        assert card is not None
        value = await self._copied(account, card.secret)
        typed = value[:-1] if slip == "typo" else value
        self.typos[account.name] = slip in ("typo", "says only")
        if slip != "says only":
            for _ in range(2 if slip == "twice" else 1):
                self._developer(account).save_keys(
                    dict(card.values)["Client ID"],
                    typed,
                    enable="later" if slip == "later" else "now",
                )
        if slip != "does only":
            with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
                scope = Scope(account.identity, outcome.step, outcome.customer or None)
                try:
                    confirmations.confirm(ledger, scope, change, "Ada")
                except RunbookError as error:
                    self.said.append(f"the word about {change.key} is not taken: {error.what}")

    async def _copied(self, account: Account, reference: str) -> str:
        """The secret that a card speaks of, as `bcrunbook secret copy` has it."""

        async def copied() -> str:
            async with open_context(self.workspace, account) as context:
                secret = SecretReference.parse(reference, "a hand-off")
                root, vaults = self.workspace.root, context.sign_in.vaults
                return (await read(secret, root, vault=vaults)).reveal()

        return await self.machine.start(f"copy {account.name}").run(copied())

    def _save_right_keys(self, account: Account) -> None:
        """Go back to the card before, and save what the store has."""
        app = self.others.application(account)
        stored = self.others.stored_secret(account)
        if app is not None and stored:
            self._developer(account).save_keys(app.document["appId"], stored)
            self.said.append(f"the right keys were saved for {account.name}")

    async def _enable(self, account: Account, slip: Slip | None) -> None:
        person = self._developer(account)
        try:
            person.toggle(True)
        except UnexpectedPage:
            # The keys are not there, whatever was said: the card's slips say so.
            self._save_right_keys(account)
            return
        if slip in ("twice", "wrong place"):
            person.toggle(False)

    async def _link(self, account: Account, outcome: Outcome, slip: Slip | None) -> bool:
        customer = account.customers[outcome.customer]
        if customer.name in self.refused:
            return False

        async def address() -> str:
            async with open_context(self.workspace, account) as context:
                return await fetch_link(replace(context, customer=customer))

        try:
            link = await self.machine.start(f"link {customer.name}").run(address())
        except RunbookError as error:
            self.said.append(f"no link for {customer.name}: {error.what}")
            return False
        person = CustomerPerson(self.cloud.description, customer.contact)
        page = person.choose(link)
        if slip == "later":
            return True
        ended = person.connect(
            page, environment=self._environment(customer.environment or ""), company=None
        )
        self.said.append(f"{customer.name} linked: {ended[:100]}")
        self.linked.setdefault(customer.name, datetime.now(UTC))
        if ended.startswith("Not connected") and not self.typos.get(account.name):
            self.refused.add(customer.name)
        if slip == "twice":
            person.connect(person.choose(link), environment=customer.environment or "")
        await asyncio.sleep(1.0)
        return True

    def _environment(self, name: str) -> str:
        """The name that the customer's environment has now."""
        return self.cloud.environment_now(name)


def _may_slip(change: Change) -> bool:
    return change.key in (SAVE_KEYS, ENABLE, LINK)
