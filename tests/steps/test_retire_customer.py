"""Retiring a customer: nothing reads any more, nobody else's is touched, and they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core import confirmations
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import HEALTH_CHECK, LINK_CUSTOMER, RETIRE_CUSTOMER
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.services.codat.models import Company
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_of, fetch_link
from bcrunbook.steps.opening import open_context
from bcrunbook.steps.retire_request import RetireRequest
from bcrunbook.steps.retired import note_restored
from tests.rehearsal.codat_support import BUSINESS_CENTRAL_PLATFORM, Codat
from tests.rehearsal.support import client_of
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.portal import handed, row

CUSTOMERS = {"normal": "Normal", "upgrading": "Upgrading", "waits": "Slow", "theirs": "Renamed"}
LINKED = ("normal", "upgrading")


@dataclass(frozen=True)
class Retiring:
    """A workspace whose customers are retired, and what Codat has of them."""

    cloud: RehearsalDescription
    workspace: Workspace

    async def run(
        self, customer: str, wish: str = "", mode: Mode = Mode.APPLY, step: str = RETIRE_CUSTOMER
    ) -> Outcome:
        """Run the step that retires, or another one, about a customer."""
        workspace = self.workspace
        async with open_context(
            workspace,
            workspace.account("trial"),
            customer=workspace.customer("trial", customer),
            retire=RetireRequest.parse(wish),
        ) as context:
            return await run_in_context(step_named(step), context, mode)

    async def company(self, customer: str) -> Company | None:
        """The customer's company in Codat, with its connections."""
        async with open_context(self.workspace, self.workspace.account("trial")) as context:
            found = await codat_of(context).companies({TAG: f"trial.{customer}"})
        return found[0] if found else None

    async def statuses(self, customer: str) -> list[str]:
        """How the connections of the customer's company stand."""
        company = await self.company(customer)
        return [one.status for one in company.data_connections] if company else []

    def say_told(self, outcome: Outcome) -> None:
        """Somebody says that the customer was told."""
        whose = self.workspace.account("trial").identity
        (change,) = outcome.hand_offs
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            scope = Scope(whose, RETIRE_CUSTOMER, outcome.customer)
            confirmations.confirm(ledger, scope, change, "Ada Lovelace")

    def take_up(self, customer: str) -> None:
        """Note that the customer is a customer again."""
        whose = self.workspace.account("trial").identity
        with open_ledger(self.workspace.ledger_url, self.workspace.root) as ledger:
            assert note_restored(ledger, Scope(whose, RETIRE_CUSTOMER, customer))


@pytest.fixture(scope="module")
def retiring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retiring]:
    """An account with two customers that are linked, in a cloud of this module's own.

    An environment of the rehearsal links once.
    """
    folder = tmp_path_factory.mktemp("retiring")
    with launch(folder / "cloud", skips=True, latency_ms=0, lags="worst") as cloud:
        customers = [lab_customer(name, where) for name, where in CUSTOMERS.items()]

        async def play() -> Workspace:
            workspace = await set_up(folder, cloud, customers)
            async with open_context(workspace, workspace.account("trial")) as context:

                async def begin(name: str) -> None:
                    await run_link_customer(context, name)
                    if name in LINKED:
                        await link(context, cloud, name)
                        await run_link_customer(context, name)

                await asyncio.gather(*(begin(name) for name in CUSTOMERS if name != "theirs"))
            return workspace

        yield Retiring(cloud, asyncio.run(play()))


async def test_a_customer_is_cut_off_and_told(retiring: Retiring) -> None:
    """Planned, cut, told, and over; the company and its data stay (contract C8.7).

    Then nothing is set up or given out for them, and the check does not miss them, until they are
    taken up again.
    """
    plan = await retiring.run("normal", mode=Mode.PLAN)
    assert (plan.state, [one.key for one in plan.changes]) == ("pending", ["unlink", "app_link"])
    assert await retiring.statuses("normal") == ["Linked"]

    cut = await retiring.run("normal")
    assert (cut.state, [one.key for one in cut.changes]) == (
        "needs_person",
        ["unlink", "app_link"],
    )
    assert await retiring.statuses("normal") == ["Unlinked"]
    words = " ".join(handed(cut).actions)
    assert "Extension Management" in words and "stays there" in words
    assert row(cut, "Data that were read").actual == "stay readable in Codat"

    retiring.say_told(cut)
    over = await retiring.run("normal")
    assert (over.state, over.changes) == ("done", ())
    assert row(over, "What is left at the customer's").actual.startswith("told, says Ada")

    refused = await retiring.run("normal", step=LINK_CUSTOMER)
    assert refused.exit_code == 2 and "was retired on" in refused.summary
    assert refused.hand_offs == ()
    workspace = retiring.workspace
    async with open_context(
        workspace, workspace.account("trial"), customer=workspace.customer("trial", "normal")
    ) as context:
        with pytest.raises(FixInput, match="was retired on"):
            await fetch_link(context)
        check = await run_in_context(step_named(HEALTH_CHECK), context, Mode.PLAN)
    assert row(check, "Customer Lab normal").actual.startswith("retired on")
    assert "Customer Lab normal" not in [one.key for one in check.changes]

    retiring.take_up("normal")
    async with open_context(
        workspace, workspace.account("trial"), customer=workspace.customer("trial", "normal")
    ) as context:
        assert await fetch_link(context)
    assert (await retiring.run("normal")).hand_offs, "who links again is told again"


async def test_one_that_nobody_has_linked_is_removed(retiring: Retiring) -> None:
    """Its link leads nowhere afterwards; there is nothing to tell the customer (contract C8.9)."""
    outcome = await retiring.run("waits")
    assert (outcome.state, [one.key for one in outcome.changes]) == (
        "changed",
        ["remove_connection"],
    )
    company = await retiring.company("waits")
    assert company is not None and company.data_connections == ()
    assert (await retiring.run("waits")).changes == ()
    written = await retiring.run("waits", step=LINK_CUSTOMER)
    assert written.exit_code == 2 and "was retired on" in written.summary
    assert await retiring.statuses("waits") == []


async def test_a_company_goes_when_somebody_asks_for_it(retiring: Retiring) -> None:
    """With its connection and all that was read (contract C7.11); the plan says so.

    What others have connected to it goes only when that is named as well.
    """
    company = await retiring.company("upgrading")
    assert company is not None
    with client_of(retiring.cloud) as http:
        codat = Codat(http, retiring.cloud.codat["api_key"])
        other = codat.connection(company.id)["id"]
    asked = await retiring.run("upgrading", "delete-company")
    assert asked.state == "needs_person" and asked.changes[0].by == "person"
    assert len(await retiring.statuses("upgrading")) == 2
    wish = f"delete-company id:{other}"
    plan = await retiring.run("upgrading", wish, Mode.PLAN)
    assert [one.key for one in plan.changes] == ["delete_company", "app_link"]
    assert "for good" in plan.changes[0].title
    gone = await retiring.run("upgrading", wish)
    assert await retiring.company("upgrading") is None
    retiring.say_told(gone)
    assert (await retiring.run("upgrading", "delete-company")).state == "done"


async def test_a_company_of_somebody_else_stays_until_it_is_named(retiring: Retiring) -> None:
    """A card names it by its id; only with that id it is cut off."""
    with client_of(retiring.cloud) as http:
        codat = Codat(http, retiring.cloud.codat["api_key"])
        made = codat.company(name="Lab theirs", tags={TAG: "trial.theirs"})["id"]
        codat.connection(made, BUSINESS_CENTRAL_PLATFORM)
    outcome = await retiring.run("theirs", "delete-company")
    assert (outcome.state, [one.key for one in outcome.changes]) == (
        "needs_person",
        ["whose_company"],
    )
    assert made in " ".join(handed(outcome).actions)
    assert await retiring.statuses("theirs") == ["PendingAuth"]
    named = await retiring.run("theirs", f"id:{made}")
    assert (named.state, [one.key for one in named.changes]) == ("changed", ["remove_connection"])


async def test_a_list_that_was_mixed_up_cuts_nobody_off(retiring: Retiring) -> None:
    """The company with the customer's tag has another's name: a person is asked first."""
    before = await retiring.company("theirs")
    with client_of(retiring.cloud) as http:
        codat = Codat(http, retiring.cloud.codat["api_key"])
        if before is not None:
            codat("DELETE", f"/companies/{before.id}")
        made = codat.company(name="Another One", tags={TAG: "trial.theirs"})["id"]
        codat.connection(made, BUSINESS_CENTRAL_PLATFORM)
    outcome = await retiring.run("theirs", f"delete-company id:{made}")
    assert [one.key for one in outcome.changes] == ["which_company"]
    assert await retiring.statuses("theirs") == ["PendingAuth"]


@pytest.mark.parametrize("text", ["remove-all", "id:everything", "delete_company"])
def test_what_is_not_understood_is_refused(text: str) -> None:
    """A misspelt wish is no wish for something else."""
    with pytest.raises(FixInput):
        RetireRequest.parse(text)


def test_a_wish_reads_as_it_was_written() -> None:
    """What a command passes to a notebook arrives."""
    wish = RetireRequest("production", True, frozenset({"3f2504e0-4f89-41d3-9a0c-0305e82c3301"}))
    assert RetireRequest.parse(str(wish)) == wish
    assert str(RetireRequest()) == ""
