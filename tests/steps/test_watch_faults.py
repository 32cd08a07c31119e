"""Whatever goes wrong while App Link is being installed: an installation that ends reads installed.

Many customers of one tenant are watched at once, through the real client, and each meets faults of
its own: all that clients have met during installations that ended well (contract
B13), drawn anew for each customer and each kind of request. The draw is
seeded and not hypothesis's: a round takes half a minute, which leaves nothing to search or shrink.
WATCH_FAULTS_SEED draws another round.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.core.step import Outcome, State
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import Fact
from bcrunbook.rehearsal import RehearsalDescription, launch, world
from bcrunbook.rehearsal.businesscentral.installation import SCRIPTS
from bcrunbook.run.rehearse.workspace import RehearsedCustomer
from bcrunbook.skipped.timeline import Timeline
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_of, tag_of
from bcrunbook.steps.link_customer.installation.verdict import GOOD, Verdict
from bcrunbook.steps.opening import open_context
from tests.support.linking import lab_customer, link, run_link_customer, set_up
from tests.support.portal import row
from tests.support.share import number

SEED = os.environ.get("WATCH_FAULTS_SEED", "1")
CUSTOMERS = number("WATCHED", usual=8, whole=16)
ADMIN = "hal.cotter@longbarrow-coop.example"
ENVIRONMENTS = {
    one.name.lower(): one for one in world.environments_of(world.COOPERATIVE)[:CUSTOMERS]
}
"""A customer's name and its environment, whose installation ends."""
CONTROL = "never-finishes"
"""A customer whose installation does not end."""
NAMES = (*ENVIRONMENTS, CONTROL)

QUIET = 1800.0
"""When the last fault is over, in seconds of the cloud's time: well before the budget is used up,
also where a slow machine makes fewer requests than were drawn faults for."""
APART = 30.0
"""How far two sightings of the extension lie apart at least (contract B14.5)."""

HOST, CODAT = "api.businesscentral.dynamics.com", "api.codat.io"
Action = Mapping[str, Any]


def gateway(status: int, **headers: str) -> Action:
    """An answer of something on the way: no envelope, no code."""
    return {
        "status": status,
        "headers": {"Content-Type": "text/html", **headers},
        "body": "<html><body>The service is unavailable.</body></html>",
    }


def answer(status: int, code: str, text: str) -> Action:
    """An answer of Business Central's business and automation APIs."""
    text = f"{text}  CorrelationId:  6f1c2f5e-0d7c-4a43-9b3e-2f4a8d1c7b90."
    return {"status": status, "body": {"error": {"code": code, "message": text}}}


PASSING: dict[str, Action] = {
    "503 of a gateway": gateway(503, **{"Retry-After": "20"}),
    "502 of a gateway": gateway(502),
    "504": gateway(504),
    "408": gateway(408),
    "maintenance": answer(503, "Internal_TenantUnavailable", "Service is under maintenance."),
    "session lost": answer(
        503, "Application_ServiceUnavailable", "The session could not be retrieved."
    ),
    "extensions changed": answer(
        400,
        "Unknown",
        "An administrator changed one or more extensions. Sign in again to get the changes.",
    ),
    "server error": answer(500, "Internal_ServerError", "An internal server error occurred."),
    "metadata not synchronised": answer(
        500, "Internal_MetadataSyncError", "The metadata of the table is being synchronised."
    ),
    "429": answer(
        429,
        "Application_TooManyRequests",
        "Too many requests reached. Actual (101). Maximum (100).",
    ),
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
}
"""What any request may meet."""
REFUSED: dict[str, Action] = {
    "401": answer(
        401,
        "Authentication_InvalidCredentials",
        "The server has rejected the client credentials.",
    ),
}
"""What a fresh token cures, unless it comes twice in a row."""
REBUILT: dict[str, Action] = {
    "no resource": answer(
        404, "BadRequest_NotFound", "No HTTP resource was found that matches the request URI."
    ),
    "no segment": answer(
        404, "BadRequest_ResourceNotFound", "Resource not found for the segment 'extensions'."
    ),
    "half-updated metadata": answer(
        400,
        "BadRequest",
        "Could not find a property named 'isInstalled' on type 'Microsoft.NAV.extension'.",
    ),
    "AL compile error": answer(
        400, "Unknown", "No overload for method 'IsInstalled' takes 1 arguments."
    ),
}
"""What the routes of the automation API and of data meet beside."""
CODAT_PASSING: dict[str, Action] = {
    "Codat 500": {"status": 500, "body": {"statusCode": 500, "error": "Something went wrong."}},
    "Codat 503": gateway(503),
    "Codat 429": {
        "status": 429,
        "headers": {"Retry-After": "5"},
        "body": {"statusCode": 429, "error": "You have made too many requests."},
    },
}
MISREAD = ("Failed", "NotFound", "Unknown", "Completed")
"""What a deployment has read that was something else in truth."""


def deployed(status: str) -> Action:
    """A deployment's row that does not say how the installation stands."""
    deployment = {
        "operationID": "3e2d4f0a-98a1-4f0e-8b55-6b1f0a7c2d11",
        "name": "App Link",
        "publisher": "Codat",
        "operationType": "Upload",
        "status": status,
        "schedule": "Current version",
        "appVersion": "1.4.27.0",
        "startedOn": datetime.now(UTC).isoformat(),
    }
    return {"status": 200, "body": {"value": [deployment]}}


def unwrapped(action: Action) -> Action:
    """The same in the admin centre's envelope."""
    body = action.get("body")
    return {**action, "body": body["error"]} if isinstance(body, dict) else action


@dataclass(frozen=True)
class Route:
    """A kind of request, and how its faults are drawn.

    Args:
        name: its name.
        path: a regular expression of its path.
        kinds: what may go wrong, in groups of which each is as likely as the others.
        last: the last request, counted from 1, that may go wrong.
        calm: up to which request nothing goes wrong, but perhaps the first.
        host: which host is asked.
        method: how.
    """

    name: str
    path: str
    kinds: Sequence[Mapping[str, Action]]
    last: int
    calm: int = 0
    host: str = HOST
    method: str = "GET"

    def draw(self, random: Random, *, is_early: bool) -> dict[int, str]:
        """Which request goes wrong, and how.

        What is refused with every poll for a minute is refused for good (contract B14.6), so
        a refusal is met by one poll at most, and the request after it goes well.

        Args:
            random: what it is drawn with.
            is_early: whether the very first request goes wrong.
        """
        drawn: dict[int, str] = {}
        if is_early:
            drawn[1] = random.choice([kind for kind in self.kinds[0] if kind not in REFUSED])
        nth = self.calm + 1 + random.randint(0, 4)
        while nth <= self.last:
            kind = random.choice(list(random.choice(self.kinds)))
            # The first 401 makes the program ask for a fresh token; the second is the refusal.
            end = nth + random.randint(1, 2 if kind in REFUSED else 4)
            drawn |= dict.fromkeys(range(nth, end), kind)
            nth = end + random.randint(1, 4)
        return drawn

    def rules(self, drawn: Mapping[int, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The fault rules of a draw, each with its kind's name."""
        for kind in dict.fromkeys(drawn.values()):
            matched = {"host": self.host, "method": self.method, "path": self.path}
            nths = [nth for nth, one in drawn.items() if one == kind]
            yield kind, {**matched, "nth": nths, **ChainMap(*map(dict, self.kinds))[kind]}


def routes_of(environment: str) -> list[Route]:
    """What is asked about one environment."""
    base = rf"/{environment}/api/"
    automation = rf"{base}microsoft/automation/v2\.0/companies\([^/]+\)/"
    rebuilt = (PASSING, REFUSED, REBUILT)
    misread = {f"reads {status}": deployed(status) for status in MISREAD}
    return [
        Route("companies", rf"{base}v2\.0/companies$", (PASSING, REFUSED), 15, calm=3),
        Route("extensions", rf"{automation}extensions$", rebuilt, 45, calm=3),
        Route(
            "deployments",
            rf"{automation}extensionDeploymentStatus$",
            ({**PASSING, **REFUSED, **REBUILT}, misread),
            45,
            calm=3,
        ),
        *(
            Route(name, rf"{base}v2\.0/companies\([^/]+\)/{name}$", rebuilt, 6)
            for name in ("companyInformation", "accounts", "customers")
        ),
    ]


def common_routes() -> list[Route]:
    """What is asked for all customers at once."""
    kinds = [{name: unwrapped(one) for name, one in some.items()} for some in (PASSING, REFUSED)]
    codat = [
        ("connections", r"^/companies$", "GET", 15),
        ("connection", r"/connections/[^/]+$", "GET", 15),
        ("data status", r"/dataStatus$", "GET", 60),
        ("refresh", r"/data/queue/", "POST", 15),
    ]
    return [
        Route("environments", r"^/environments/", kinds, 45, calm=25),
        Route("states", r"^/admin/.*/BusinessCentral/environments$", kinds, 40),
        Route("operations", r"/environments/operations$", kinds, 40),
        *(
            Route(name, path, (CODAT_PASSING,), last, host=CODAT, method=method)
            for name, path, method, last in codat
        ),
    ]


Schedule = dict[str, dict[int, str]]
"""By route: which request goes wrong, and how."""


@dataclass(frozen=True)
class Story:
    """What became of all customers.

    Args:
        schedules: by customer, and of all together under an empty name: what went wrong when.
        kinds: by rule: which kind of fault it is.
        time: how the cloud's time went.
        began: by customer: when the installation began (seconds since the epoch).
        outcomes: by customer: how the step ended.
        facts: by customer: what the ledger keeps.
        made: by customer: how many companies bear its tag, and how many connections those have.
        fired: the faults that fired, by their rules.
        paths: what Business Central was asked.
    """

    schedules: Mapping[str, Schedule]
    kinds: Sequence[str]
    time: Timeline
    began: Mapping[str, float]
    outcomes: Mapping[str, Outcome]
    facts: Mapping[str, Sequence[Fact]]
    made: Mapping[str, tuple[int, int]]
    fired: Sequence[int]
    paths: Sequence[str]

    def tell(self, name: str) -> str:
        """What went wrong, and what was seen: for whoever reads a failure."""
        polls = [
            f"{one.data['elapsed']:5.0f} {one.data['connection']} {one.data['data']}"
            f" packages={one.data['packages']} hiccups={one.data['hiccups']}"
            f" unknown={one.data['unknown']}"
            for one in self.facts[name]
            if one.kind == "poll"
        ]
        return "\n".join(
            [
                self.outcomes[name].summary,
                f"seed {SEED}: {self.schedules[name]}",
                f"in common: {self.schedules['']}",
                *polls,
            ]
        )


def draw(seed: str) -> tuple[dict[str, Schedule], list[str], list[dict[str, Any]]]:
    """Every customer's schedule, and the rules of all, with the kind of each."""
    environments = {name: one.name for name, one in ENVIRONMENTS.items()}
    environments[CONTROL] = "NeverFinishes"
    schedules: dict[str, Schedule] = {}
    rules: list[tuple[str, dict[str, Any]]] = []
    for name in ("", *NAMES):
        random = Random(f"{seed}/{name}")
        # The first look or the second sees that something has begun. What nothing was ever seen of,
        # and is refused then, or hidden for five minutes, may as well not have begun.
        early = random.choice(["", "companies", "extensions", "deployments"]) if name else ""
        schedules[name] = {}
        for route in routes_of(environments[name]) if name else common_routes():
            drawn = route.draw(random, is_early=route.name == early)
            schedules[name][route.name] = drawn
            rules += route.rules(drawn)
    return schedules, [kind for kind, _ in rules], [rule for _, rule in rules]


def replace_rules(file: Path, rules: Sequence[Mapping[str, Any]]) -> None:
    """Replace the faults file; the cloud takes it at the next request."""
    half = file.with_suffix(".part")
    half.write_text(json.dumps(rules), "utf-8")
    os.replace(half, file)


async def play(workspace: Workspace, cloud: RehearsalDescription, faults: Path) -> Story:
    """Link all customers, and follow them all while things go wrong."""
    schedules, kinds, rules = draw(SEED)
    async with open_context(workspace, workspace.account("trial")) as context:

        async def one(name: str) -> Outcome:
            await link(context, cloud, name)
            return await run_link_customer(context, name)

        for made in await asyncio.gather(*(run_link_customer(context, name) for name in NAMES)):
            assert made.state is State.NEEDS_PERSON, made.summary
        replace_rules(faults, rules)
        end = asyncio.create_task(calm_down(context, faults))
        outcomes = await asyncio.gather(*(one(name) for name in NAMES))
        await end
        counted = await asyncio.gather(*(count_made(context, name) for name in NAMES))
        facts = {
            name: context.ledger.facts(Scope(context.identity, "link_customer", name))
            for name in NAMES
        }
    requests = list(map(json.loads, Path(cloud.requests).read_text("utf-8").splitlines()))
    log = (Path(cloud.directory) / "faults.log").read_text("utf-8")
    return Story(
        schedules,
        kinds,
        Timeline(Path(cloud.directory)),
        {name: began(requests, facts[name]) for name in NAMES},
        dict(zip(NAMES, outcomes, strict=True)),
        facts,
        dict(zip(NAMES, counted, strict=True)),
        [json.loads(line)["rule"] for line in log.splitlines()],
        [one["path"] for one in requests if one["host"] == HOST],
    )


def began(requests: Sequence[Mapping[str, Any]], facts: Sequence[Fact]) -> float:
    """When the customer pressed the last button, by the cloud's own log."""
    connection = next((one.subject for one in facts if one.kind == "watch"), "none")
    (pressed,) = [
        one
        for one in requests
        if one["method"] == "POST" and one["path"].endswith(f"/connections/{connection}/company")
    ] or [{"t": 0, "ms": 0}]
    # The log tells when it was answered, to the millisecond.
    return float(pressed["t"]) - float(pressed["ms"]) / 1000 - 0.001


async def calm_down(context: Context, faults: Path) -> None:
    """Let nothing go wrong any more, well before the budget is used up."""
    await context.cloud.pace.sleep(QUIET)
    replace_rules(faults, [])


async def count_made(context: Context, name: str) -> tuple[int, int]:
    """How many companies bear a customer's tag, and how many connections they have."""
    codat = codat_of(context)
    tag = {TAG: tag_of(context.account, context.account.customers[name])}
    companies = await codat.companies(tag)
    connections = [await codat.connections(one.id) for one in companies]
    return len(companies), sum(map(len, connections))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """One round: all customers at once, in a cloud of their own."""
    folder = tmp_path_factory.mktemp("faults")
    faults = folder / "faults.json"
    replace_rules(faults, [])
    customers = [
        RehearsedCustomer(name, one.name, ADMIN, one.name, one.companies[0])
        for name, one in ENVIRONMENTS.items()
    ]
    customers.append(lab_customer(CONTROL, "NeverFinishes"))
    with launch(folder / "cloud", skips=True, faults=faults, lags="worst") as cloud:

        async def run() -> Story:
            return await play(await set_up(folder, cloud, customers), cloud, faults)

        return asyncio.run(run())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_installation_that_ends_reads_installed(story: Story, name: str) -> None:
    """No fault on the way makes a failure of it, an unconfirmed one, or a lesser success.

    contract B8.9, B11.17, B11.18, B11.19, B11.20, B11.21, B11.22, B11.27, B11.28, B13.2, B13.3,
    B13.4, B13.5 and B14.8
    """
    outcome = story.outcomes[name]
    assert outcome.state is State.DONE, story.tell(name)
    assert row(outcome, "Verdict").actual.startswith("installed"), story.tell(name)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_reads_installed_before_it_is(story: Story, name: str) -> None:
    """Every good verdict is later than the extension; installed, than two sightings of it.

    contract B14.5
    """
    installed_at = SCRIPTS[ENVIRONMENTS[name].script].installed_at
    assert installed_at is not None
    for fact in story.facts[name]:
        verdict = fact.data["verdict"] if fact.kind == "verdict" else ""
        if verdict in GOOD:
            age = story.time.age(story.began[name], now=fact.at.timestamp())
            apart = APART if verdict == Verdict.INSTALLED else 0
            assert age >= installed_at + apart, story.tell(name)


def test_an_installation_that_does_not_end_is_never_reported_installed(story: Story) -> None:
    """The same faults, and none of them is taken for success, nor for failure: unconfirmed.

    contract B14.3
    """
    outcome = story.outcomes[CONTROL]
    assert outcome.state is State.WAITING, story.tell(CONTROL)
    assert row(outcome, "Verdict").actual.startswith("unconfirmed"), story.tell(CONTROL)
    verdicts = [one.data["verdict"] for one in story.facts[CONTROL] if one.kind == "verdict"]
    assert verdicts == ["unconfirmed"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_made_twice(story: Story, name: str) -> None:
    """One company with the customer's tag, with one connection; one watch (contract B14.10)."""
    assert story.made[name] == (1, 1)
    assert [one.kind for one in story.facts[name]].count("watch") == 1


def test_what_is_asked_can_be_answered(story: Story) -> None:
    """After a fault nothing is asked of no company, which would only be another error."""
    assert not [path for path in story.paths if "companies()" in path]


def test_faults_of_every_sort_were_met(story: Story) -> None:
    """Otherwise the round shows less than it says."""
    met = {story.kinds[rule] for rule in story.fired}
    for sort in (PASSING, REFUSED, REBUILT, CODAT_PASSING, [f"reads {one}" for one in MISREAD]):
        assert met & {*sort}
