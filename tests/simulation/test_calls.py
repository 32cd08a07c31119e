"""What the check of many customers asks of Codat, whose calls are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bcrunbook.core.step import Comparison, Outcome, State
from bcrunbook.rehearsal.codat import pulls, records
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.steps.health_check import customer_parts
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_name, tag_of
from tests.bench.waiting import customers_of
from tests.simulation import program
from tests.simulation.drawing import Drawn
from tests.simulation.stage import staged
from tests.simulation.timeline import Loop
from tests.simulation.world import World

CUSTOMERS = 100
MOST = 1.1
"""Calls to Codat for each customer that a check of so many may take."""
SINCE = 3600.0
"""How long ago the customers linked, in seconds."""


@contextmanager
def linked(
    number: int, others: dict[int, str] | None = None, *faults: dict[str, Any]
) -> Iterator[tuple[Loop, World]]:
    """An account whose customers have all linked.

    Args:
        number: how many there are.
        others: for some, by their number, what else their connection reads; empty where there is
            none, nor a company.
        faults: the cloud's fault rules.
    """
    drawn = Drawn(0, "enabled", faults=faults)
    with staged(drawn, customers_of(number)) as (loop, world):
        account, cloud = world.workspace.account("trial"), world.cloud.cloud
        before = time.time() - SINCE
        with cloud.store.transaction():
            for one, customer in enumerate(account.customers.values()):
                if (status := (others or {}).get(one, records.LINKED)) == "":
                    continue
                company, connection = f"company-{one}", f"connection-{one}"
                kept: dict[str, Any] = {
                    "name": codat_name(customer),
                    "description": "",
                    "tags": {TAG: tag_of(account, customer)},
                    "created": before,
                }
                cloud.store.put(records.COMPANY, codat.TRIAL.id, company, kept)
                link: dict[str, Any] = {
                    "platform": codat.BUSINESS_CENTRAL_PLATFORM,
                    "status": status,
                }
                link |= {"created": before, "errors": []}
                records.put_connection(cloud, codat.TRIAL, company, connection, link)
                asked = pulls.Request(before)
                pulls.start(cloud, company, connection, ["company"], asked)
        yield loop, world


def checked(loop: Loop, world: World) -> tuple[Outcome, list[str]]:
    """What a check finds, and the paths that it asks Codat for."""
    before = len(world.cloud.requests.lines)
    command = world.machine.start("check").run(program.check(world.workspace))
    (outcome,) = loop.run_until_complete(command)
    asked = world.cloud.requests.lines[before:]
    paths = [one["path"].partition("?")[0] for one in asked if one["host"] == codat.API_HOST]
    return outcome, paths


def test_a_check_takes_little_more_than_one_call_for_each_customer() -> None:
    """Whether all have linked, or some have not begun, wait for their customer, or were cut."""
    others = {7: records.UNLINKED, 8: "", 9: records.PENDING}
    with linked(CUSTOMERS, others) as (loop, world):
        outcome, asked = checked(loop, world)
        parts = list(customer_parts(world.workspace.account("trial")).values())
    assert len(asked) <= MOST * CUSTOMERS, len(asked)
    seen = {one.name: one for one in outcome.findings}
    assert [seen[parts[one]].verdict for one in (7, 8, 9)] == [
        Comparison.DIFFERS,
        Comparison.NOTE,
        Comparison.NOTE,
    ]
    assert [one.key for one in outcome.hand_offs] == [parts[7]]
    fine = [seen[part] for number, part in enumerate(parts) if number not in others]
    assert {one.verdict for one in fine} == {Comparison.OK} and len(fine) == CUSTOMERS - 3
    assert all("synced" in one.actual for one in fine)


def test_nobody_is_called_for_what_a_list_alone_shows() -> None:
    """It may be hours old when a customer's turn comes: who seems cut is asked for once more."""
    moment = "2026-01-01T00:00:00Z"
    stale = {
        "id": "company-0",
        "name": "Site-0001",
        "tags": {TAG: "trial.site-0001"},
        "created": moment,
        "dataConnections": [
            {
                "id": "connection-0",
                "integrationKey": codat.BUSINESS_CENTRAL_PLATFORM,
                "status": records.UNLINKED,
                "linkUrl": "https://link-api.codat.io/none",
                "created": moment,
            }
        ],
    }
    answer = {"status": 200, "body": {"results": [stale]}}
    with linked(1, None, {"path": "^/companies$", "nth": 1, **answer}) as (loop, world):
        outcome, asked = checked(loop, world)
    assert (outcome.state, outcome.hand_offs) == (State.DONE, ())
    assert asked.count("/companies") == 2


def test_each_customer_is_asked_for_where_no_list_is_to_be_had() -> None:
    """As where Codat knows no such query: none is taken for one that has not begun."""
    refusal = {"status": 400, "body": {"error": "That query is not supported."}}
    with linked(2, None, {"path": "^/companies$", "nth": 1, **refusal}) as (loop, world):
        outcome, asked = checked(loop, world)
    assert outcome.state is State.DONE
    customers = [one for one in outcome.findings if one.name.startswith("Customer ")]
    assert {one.verdict for one in customers} == {Comparison.OK} and len(customers) == 2
    assert asked.count("/companies") == 3
