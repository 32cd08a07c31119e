"""How a batch grows with its customers: `python -m tests.simulation.growth 10 100 1000`.

Each customer is made in Codat, links, and is followed until App Link is there; then the batch is
given once more. Prints seconds of the processor and megabytes for each number of customers. Twice
as many should take twice as much.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from bcrunbook.rehearsal import world as people
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.limits import CONNECTED, CURRENT
from bcrunbook.run.rehearse.workspace import RehearsedCustomer
from tests.bench.waiting import COMPANY
from tests.simulation.drawing import Drawn
from tests.simulation.stage import clear, scene_of, staged
from tests.simulation.world import World

_SIZES = (10, 100, 1000)
_BEFORE = 20
_IN_TENANT = 5
"""So many environments of each tenant are linked."""
_SCRIPTS = ("normal", "slow", "fetch_errors", "deployment_failed")


async def _grow(world: World) -> None:
    """Make all of them, let them link, and follow them to the end."""
    await world.command()
    await world.people.act()
    await world.command()
    await asyncio.sleep(3600)
    await world.command()


def let_ask(world: World, size: int) -> None:
    """Companies of before, which give the instance its calls of a day."""
    connected = {"companies": _BEFORE + size}
    with world.cloud.store.transaction():
        world.cloud.store.put(CONNECTED, codat.TRIAL.id, CURRENT, connected)


@contextmanager
def crowd(size: int, scripts: Sequence[str]) -> Iterator[list[RehearsedCustomer]]:
    """Meanwhile there are so many customers, some in each of many tenants, as everywhere.

    Args:
        size: how many.
        scripts: how their installations go, each in turn.
    """
    numbers = range(size)
    tenants = [_tenant(one) for one in range(-(-size // _IN_TENANT))]
    sites = tuple(
        people.Environment(
            tenants[one // _IN_TENANT].id,
            f"Site-{one:06d}",
            "Sandbox",
            False,
            scripts[one % len(scripts)],
            listed=False,
        )
        for one in numbers
    )
    everybody = people.TENANTS | {one.id: one for one in tenants}
    customers = [
        RehearsedCustomer(
            one.name.lower(), one.name, everybody[one.tenant].users[0].upn, one.name, COMPANY
        )
        for one in sites
    ]
    kept = people.environments_of, people.users_by_oid, installation._by_first_name
    with (
        mock.patch.object(people, "TENANTS", everybody),
        mock.patch.object(people, "ENVIRONMENTS", people.ENVIRONMENTS + sites),
    ):
        for one in kept:
            one.cache_clear()
        yield customers
    for one in kept:
        one.cache_clear()


def _tenant(number: int) -> people.Tenant:
    """A small business like another one."""
    known = people.TENANTS[people.COOPERATIVE]
    made, domain = people.derived_id("tenant", str(number)), f"shop-{number:05d}.example"
    users = tuple(
        replace(one, tenant=made, home=made, upn=f"{one.upn.partition('@')[0]}@{domain}")
        for one in known.users
    )
    return replace(
        known,
        id=made,
        name=f"Shop {number}",
        domain=domain,
        initial_domain=f"shop{number:05d}.onmicrosoft.com",
        users=users,
    )


def measured(size: int) -> tuple[float, float, int, dict[str, int]]:
    """What a number of customers takes, in a process that does nothing else.

    Args:
        size: how many.

    Returns:
        Seconds of the processor, megabytes beyond what the account alone takes, requests, and how
        many customers ended in which state.
    """
    with crowd(size, _SCRIPTS) as customers:
        scene_of("enabled")
        before, began = _peak(), time.process_time()
        with staged(Drawn(0, "enabled", is_batch=True), customers) as (loop, world):
            let_ask(world, size)
            loop.run_until_complete(_grow(world))
            states = [state for (_, customer, _), state in world.states.items() if customer]
            requests = len(world.cloud.requests.lines)
        taken = time.process_time() - began, _peak() - before
    clear()
    return *taken, requests, {one: states.count(one) for one in sorted(set(states))}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    print("customers  seconds  each   MiB  each  requests  each  states")
    for size in [int(one) for one in sys.argv[1:]] or _SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, memory, requests, states = pool.apply(measured, (size,))
        print(
            f"{size:9}  {seconds:7.1f}  {seconds / size:5.3f}  {memory:4.0f}  {memory / size:4.2f}"
            f"  {requests:8}  {requests / size:4.1f}  {states}",
            flush=True,
        )


if __name__ == "__main__":
    main()
