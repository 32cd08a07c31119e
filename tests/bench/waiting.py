"""A thousand customers wait at once, in one process: `python -m tests.bench.waiting [CUSTOMERS]`.

Every customer of one account links in the same tenant, which is the hardest case: all are read with
one sign-in, which has Business Central's limits for itself alone. First one customer, whose
installation is the longest, is watched alone; then all together. Prints times by the rehearsal
clock, memory, calls, and how close the requests came to the limits of Codat and Business Central.
Not a test: figures depend on the machine; compare ratios.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from bcrunbook.accounts import Account, Workspace
from bcrunbook.core.follow import lease
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.rehearsal.people import CustomerPerson
from bcrunbook.run.rehearse.workspace import RehearsedCustomer
from bcrunbook.services.codat.client import BUSINESS_CENTRAL_PLATFORM
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import (
    TAG,
    codat_name,
    codat_of,
    fetch_link,
    tag_of,
)
from bcrunbook.steps.opening import open_context
from tests.support.independent_client import IndependentClient
from tests.support.linking import run_link_customer, set_up
from tests.support.portal import row

SPEED = 5.0
ADMIN = "hal.cotter@longbarrow-coop.example"
COMPANY = "CRONUS UK Ltd."
ALONE = "site-0001"
"""Its script is the one that takes longest: twenty minutes."""
CONNECTED_BEFORE = 30
"""Companies that are connected already: a new instance has too few calls a day for a thousand."""
SANDBOX = "mqjo"
HOSTS = {"Codat": "api.codat.io", "Business Central": "api.businesscentral.dynamics.com"}
LIMITS = (("Codat", 60.0, 1000), ("Business Central", 300.0, 6000))
"""Per service: how many requests are allowed in how many seconds (one address, one sign-in)."""


@dataclass(frozen=True)
class Waited:
    """How one customer's wait ended, and when, in seconds of the rehearsal clock."""

    verdict: str
    began: float
    ended: float


def customers_of(number: int) -> list[RehearsedCustomer]:
    """Customers with an environment each; their installations follow four scripts in turn."""
    names = [f"Site-{one:04d}" for one in range(1, number + 1)]
    return [RehearsedCustomer(one.lower(), one, ADMIN, one, COMPANY) for one in names]


async def connect_some(context: Context, cloud: RehearsalDescription) -> None:
    """Companies of before, which give the instance its calls."""
    codat = codat_of(context)
    client = IndependentClient(cloud)
    async with lease(step_named("link_customer"), context):
        for number in range(CONNECTED_BEFORE):
            company = await codat.create_company(f"Connected before {number}", tags={})
            connection = await codat.create_connection(company.id, SANDBOX)
            client.http.get(str(connection.link_url)).raise_for_status()
    client.http.close()


async def make_companies(context: Context) -> None:
    """What `link_customer` makes before a customer links, for all customers."""
    codat = codat_of(context)

    async def make(name: str) -> None:
        customer = context.account.customers[name]
        tags = {TAG: tag_of(context.account, customer)}
        company = await codat.create_company(codat_name(customer), tags=tags)
        await codat.create_connection(company.id, BUSINESS_CENTRAL_PLATFORM)

    async with lease(step_named("link_customer"), context):
        for some in batches(list(context.account.customers), 20):
            await asyncio.gather(*(make(name) for name in some))


def batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Some names after the other."""
    for first in range(0, len(names), size):
        yield names[first : first + size]


def click(cloud: RehearsalDescription, links: dict[str, str], pipe: Connection) -> None:
    """In a process of its own: open every customer's page, and on a word press all buttons."""
    person = CustomerPerson(cloud, ADMIN)
    pages = {name: person.choose(link) for name, link in links.items()}
    pipe.send(len(pages))
    pipe.recv()
    for name, page in pages.items():
        person.connect(page, environment=name.capitalize(), company=COMPANY)
        pipe.send((name, time.time()))


@contextmanager
def clicker(cloud: RehearsalDescription, links: dict[str, str]) -> Iterator[Connection]:
    """The customers' side, ready to press the last button."""
    spawn = multiprocessing.get_context("spawn")
    mine, theirs = spawn.Pipe()
    process = spawn.Process(target=click, args=(cloud, links, theirs))
    process.start()
    try:
        assert mine.recv() == len(links)
        yield mine
    finally:
        process.join()


async def wait_all(
    workspace: Workspace, account: Account, cloud: RehearsalDescription, names: Sequence[str]
) -> list[Waited]:
    """Let customers link, and follow all of them through `link_customer` at once."""
    async with open_context(workspace, account) as context:
        links = {}
        for name in names:
            customer = account.customers[name]
            links[name] = await fetch_link(replace(context, customer=customer))
        with clicker(cloud, links) as pipe:
            pipe.send("go")

            async def follow(name: str, began: float) -> Waited:
                outcome = await run_link_customer(context, name)
                verdict = row(outcome, "Verdict").actual.partition(":")[0]
                return Waited(verdict, began * SPEED, time.time() * SPEED)

            tasks = []
            for _ in names:
                name, began = await asyncio.to_thread(pipe.recv)
                tasks.append(asyncio.create_task(follow(name, began)))
            return list(await asyncio.gather(*tasks))


def requests(cloud: RehearsalDescription) -> list[dict[str, object]]:
    """The cloud's log of requests."""
    return [json.loads(line) for line in Path(cloud.requests).read_text("utf-8").splitlines()]


def busiest(moments: Sequence[float], seconds: float) -> int:
    """The most requests in any span of so many seconds of the rehearsal clock."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


async def main(number: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with launch(directory / "cloud", speed=SPEED, lags="worst") as cloud:
            workspace = await set_up(directory, cloud, customers_of(number))
            account = workspace.account("trial")
            async with open_context(workspace, account) as context:
                await connect_some(context, cloud)
                await make_companies(context)
            others = [name for name in account.customers if name != ALONE]
            (alone,) = await wait_all(workspace, account, cloud, [ALONE])
            before = requests(cloud)
            waited = await wait_all(workspace, account, cloud, others)
            report(alone, waited, requests(cloud)[len(before) :])


def report(alone: Waited, waited: list[Waited], log: list[dict[str, object]]) -> None:
    """Print the figures."""
    clicks = [one.began for one in waited]
    last = max(one.ended for one in waited)
    longest = max(one.ended - one.began for one in waited)
    single = alone.ended - alone.began
    print(f"one customer, twenty minutes, alone   {single / 60:6.1f} min   {alone.verdict}")
    print(f"{len(waited)} customers, longest wait        {longest / 60:6.1f} min")
    print(f"ratio                                 {longest / single:6.2f}")
    print(f"from the last click to the last verdict {(last - max(clicks)) / 60:4.1f} min")
    print(f"the clicks themselves took            {(max(clicks) - min(clicks)) / 60:6.1f} min")
    for verdict, count in Counter(one.verdict for one in waited).most_common():
        print(f"  {verdict:<36}{count:6}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process            {peak:6.0f} MiB")
    for service, seconds, most in LIMITS:
        mine = [one for one in log if one["host"] == HOSTS[service]]
        moments = sorted(float(str(one["t"])) * SPEED for one in mine)
        refused = sum(one["status"] == 429 for one in mine)
        print(f"{service}: calls per customer {len(mine) / len(waited):.1f}; at most")
        print(f"  {busiest(moments, seconds)} of {most} in {seconds:.0f} s; {refused} times 429")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
