"""Killed at every poll of App Link's installation: one watch goes on, and nothing is made twice."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom

import pytest

from bcrunbook.accounts import Identity, Workspace
from bcrunbook.core.step import State
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact, Ledger, open_ledger
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.skipped.timeline import Timeline
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_of, tag_of
from bcrunbook.steps.opening import open_context
from tests.crash.harness import CrashHarness, set_up_harness
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.share import IS_WHOLE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked, to be quick")

ACCOUNT, CUSTOMER, STEP = "trial", "patient", "link_customer"
ENVIRONMENT = "FetchErrors"
"""Codat links long before App Link is there: the polls read everything that a poll can read."""

CODAT, BUSINESS_CENTRAL = "api.codat.io", "api.businesscentral.dynamics.com"
MOMENTS = ("before", "after")
AT_EACH = len(MOMENTS) if IS_WHOLE else 1
"""At so many of them a poll is killed."""
Rule = dict[str, object]


@dataclass(frozen=True)
class Kind:
    """A kind of request that a poll makes.

    Args:
        host: to which host.
        path: a regular expression of its path.
        nth: which of them in a run is a poll's of the watch: the look before it makes one as well,
            but for what the watch alone asks.
        method: the HTTP method.
        is_linked: whether it is made only once the connection reads Linked.
    """

    host: str
    path: str
    nth: int = 2
    method: str = "GET"
    is_linked: bool = False

    def rule(self, moment: str) -> Rule:
        """The fault that holds it, before its effect or after it."""
        return {
            "host": self.host,
            "method": self.method,
            "path": self.path,
            "nth": self.nth,
            "hold": moment,
        }


WATCHING = {
    "connection": Kind(CODAT, r"/connections/[^/]+$", nth=1),
    "deployments": Kind(BUSINESS_CENTRAL, r"/extensionDeploymentStatus$"),
    "refresh": Kind(CODAT, r"/data/queue/", nth=1, method="POST", is_linked=True),
}
"""What the watch alone asks, or only as long as App Link is not there."""
LOOKING = {
    "data status": Kind(CODAT, r"/dataStatus$", is_linked=True),
    "environments": Kind(BUSINESS_CENTRAL, r"^/environments/"),
    "states": Kind(BUSINESS_CENTRAL, r"^/admin/.*/BusinessCentral/environments$"),
    "companies": Kind(BUSINESS_CENTRAL, r"/companies$"),
    "extensions": Kind(BUSINESS_CENTRAL, r"/extensions$"),
    "operations": Kind(BUSINESS_CENTRAL, r"/operations$"),
}
"""What every look asks."""
INSTALLED = {
    name: Kind(BUSINESS_CENTRAL, rf"/companies\([^/]+\)/{name}$", nth=1)
    for name in ("companyInformation", "accounts", "customers")
}
"""What it asks once App Link is there."""


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashHarness]:
    """A cloud of this module's own, with a clock of its own."""
    with set_up_harness(tmp_path_factory.mktemp("watch")) as made:
        yield made


@pytest.fixture(scope="module")
def workspace(harness: CrashHarness) -> Workspace:
    """An account that is set up, and a customer of whom App Link's installation has begun."""

    async def begin() -> Workspace:
        customers = [lab_customer(CUSTOMER, ENVIRONMENT)]
        made = await set_up(harness.folder, harness.cloud, customers)
        async with open_context(made, made.account(ACCOUNT)) as context:
            outcome = await run_link_customer(context, CUSTOMER)
            assert outcome.state is State.NEEDS_PERSON, outcome.summary
            await link(context, harness.cloud, CUSTOMER)
        return made

    return asyncio.run(begin())


def facts(ledger: Ledger, whose: Identity, kind: str) -> list[Fact]:
    """What the ledger keeps of the customer's watch, oldest first."""
    return ledger.facts(Scope(whose, STEP, CUSTOMER), kind)


class Chain:
    """Runs of `link_customer` for the customer, each killed.

    Args:
        harness: where.
        workspace: the workspace.
        ledger: its ledger.
    """

    def __init__(self, harness: CrashHarness, workspace: Workspace, ledger: Ledger) -> None:
        self._harness = harness
        self._root = workspace.root
        self._ledger = ledger
        self._whose = workspace.account(ACCOUNT).identity
        self.kills = 0

    def kill_at(self, *rules: Rule) -> str:
        """Kill a run in the middle of a request that a rule holds; returns the request's path."""
        self._kill(rules, lambda: False)
        return self._harness.last_fault()

    def kill_when_recorded(self, *rules: Rule) -> str:
        """Kill a run as soon as a poll is in the ledger; or else as `kill_at` does."""
        seen = len(self.polls)
        is_held = self._kill(rules, lambda: len(self.polls) > seen)
        return self._harness.last_fault() if is_held else ""

    def _kill(self, rules: Sequence[Rule], is_time: Callable[[], bool]) -> bool:
        """Whether a rule has fired."""
        self._harness.set(*rules)
        seen = self._harness.fired()
        assert self._harness.kill_when(
            lambda: is_time() or self._harness.fired() > seen, self._root, ACCOUNT, [STEP], CUSTOMER
        ), f"a run has ended before {rules or 'a poll'}"
        self.kills += 1
        return self._harness.fired() > seen

    def end(self) -> list[str] | None:
        """Run undisturbed."""
        self._harness.set()
        return self._harness.program.run(self._root, ACCOUNT, [STEP], CUSTOMER)

    @property
    def polls(self) -> list[Fact]:
        """What was recorded so far."""
        return facts(self._ledger, self._whose, "poll")

    @property
    def is_linked(self) -> bool:
        """Whether the last poll saw Codat's connection linked, and its sync failing."""
        last = self.polls[-1:]
        return bool(last) and last[0].data["data"] == "FetchError"


def points(*kinds: dict[str, Kind]) -> list[tuple[str, Kind, str]]:
    """Where polls are killed: at each kind of request, before its effect and after it.

    In a usual run one of the two is drawn for each.
    """
    drawn = [
        (name, one, moment)
        for some in kinds
        for name, one in some.items()
        for moment in SystemRandom().sample(MOMENTS, AT_EACH)
    ]
    print("killed", ", ".join(f"{moment} {name}" for name, _, moment in drawn))
    return drawn


def kill_until_installed(chain: Chain) -> list[tuple[str, Kind, str]]:
    """Kill each poll, until one sees App Link; returns the points that there were no polls for."""
    sees_it = INSTALLED["customers"].rule("before")
    left = points(WATCHING, LOOKING)
    path = chain.kill_when_recorded(sees_it)
    while not path.endswith("/customers"):
        point = next((one for one in left if chain.is_linked or not one[1].is_linked), None)
        if point is None:
            path = chain.kill_when_recorded(sees_it)
            continue
        _, kind, moment = point
        path = chain.kill_at(kind.rule(moment), sees_it)
        if re.search(kind.path, path):
            left.remove(point)
    return left


def test_killed_at_every_poll(harness: CrashHarness, workspace: Workspace) -> None:
    """SIGKILL in each poll, at one kind of request after the other: the next run goes on.

    Before and after the request's effect, right after a poll was recorded, and between the two
    sightings of App Link. Then the watch ends as it would have; its log is one, in order and
    without a beginning anew.
    """
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        chain = Chain(harness, workspace, ledger)
        left = kill_until_installed(chain)
        assert chain.kills >= len(chain.polls), "no poll was left in peace"
        # There may be fewer polls than points. A run's first look asks nearly the same as a
        # poll, and App Link stays: here is time for all of it.
        missed = Counter(name for name, _, _ in left)
        assert all(missed[name] < AT_EACH for name in WATCHING)
        later = [one for one in left if one[0] in LOOKING]
        chain.kill_when_recorded()
        # The last run's first look is the second sighting.
        for _, kind, moment in [*later, *points(INSTALLED)]:
            chain.kill_at(replace(kind, nth=1).rule(moment))
        assert chain.end() == ["done"]

        whose = workspace.account(ACCOUNT).identity
        (watch,) = facts(ledger, whose, "watch")
        assert_in_order(Timeline(Path(harness.cloud.directory)), watch, chain.polls)
        (verdict,) = facts(ledger, whose, "verdict")
        assert verdict.data["verdict"] == "installed"
        assert verdict.subject == watch.subject
    asyncio.run(assert_made_once(workspace))
    assert writes(harness.cloud) == {"/companies": 1, "/companies/*/connections": 1}


def assert_in_order(time: Timeline, watch: Fact, polls: list[Fact]) -> None:
    """Every poll tells its time since the one watch began, by the cloud's clock."""

    def age(fact: Fact) -> float:
        return time.age(watch.at.timestamp(), now=fact.at.timestamp())

    for before, poll in zip([watch, *polls], polls, strict=False):
        assert poll.subject == watch.subject
        assert age(before) <= poll.data["elapsed"] <= age(poll)


async def assert_made_once(workspace: Workspace) -> None:
    """One company bears the customer's tag, and it has one connection."""
    account = workspace.account(ACCOUNT)
    async with open_context(workspace, account) as context:
        codat = codat_of(context)
        tag = {TAG: tag_of(account, account.customers[CUSTOMER])}
        (company,) = await codat.companies(tag)
        assert len(await codat.connections(company.id)) == 1


def writes(cloud: RehearsalDescription) -> Counter[str]:
    """How often Codat was asked to make something, by path; ids are left out."""
    requests = map(json.loads, Path(cloud.requests).read_text("utf-8").splitlines())
    return Counter(
        re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", one["path"])
        for one in requests
        if (one["host"], one["method"]) == (CODAT, "POST") and "/data/" not in one["path"]
    )
