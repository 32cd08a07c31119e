"""What many who watch share: Codat's connections, and a tenant's environments and their log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret
from bcrunbook.services.businesscentral.client import BusinessCentral
from bcrunbook.services.businesscentral.tenant_view import TenantView
from bcrunbook.services.codat.client import Codat
from bcrunbook.services.codat.connection_cache import ConnectionCache
from bcrunbook.signin import Token
from tests.services.test_codat import company, connection, listed

TENANT = "longbarrow-coop.example"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[float]:
    """The hour, which only tests change; nobody waits. The rehearsal cloud has its own clock."""
    hour = [100.0]
    if "cloud" in request.fixturenames:
        return hour

    async def sleep(_: Pace, seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Pace, "now", lambda _: hour[0])
    monkeypatch.setattr(Pace, "sleep", sleep)
    return hour


@dataclass
class Service:
    """A service that answers as the test says, and the paths that it was asked for."""

    answer: Callable[[str], Any]
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def http(self) -> AsyncIterator[Http]:
        """The HTTP stack whose every request comes here."""

        def handle(request: httpx.Request) -> httpx.Response:
            path = str(request.url.raw_path, "ascii")
            self.asked.append(path)
            answer = self.answer(path)
            if isinstance(answer, httpx.Response):
                return answer
            return httpx.Response(200, json=answer)

        async with Http(Cloud(kind="live"), transport=httpx.MockTransport(handle)) as http:
            yield http


def codat_of_companies(number: int) -> Service:
    """A Codat with so many companies, each with a connection; the last one is not listed yet."""

    def answer(path: str) -> Any:
        if one := re.match(r"/companies/c(\d+)/connections/n(\d+)$", path):
            is_there = one[1] == one[2] and int(one[1]) < number
            body = connection(id=f"n{one[2]}", status="Linked")
            return httpx.Response(200, json=body) if is_there else httpx.Response(404, json={})
        page = int(re.findall(r"page=(\d+)", path)[0])
        rows = [
            company(f"c{at}", dataConnections=[connection(id=f"n{at}")])
            for at in range((page - 1) * 100, min(page * 100, number - 1))
        ]
        following = f"/companies?page={page + 1}&pageSize=100" if page * 100 < number - 1 else None
        return listed(*rows, next=following)

    return Service(answer)


async def statuses(service: Service, watchers: int, rounds: int, now: list[float]) -> list[str]:
    """What all see in the last of some rounds, half a minute apart."""

    async def key() -> Secret:
        return Secret("a-key-of-the-test")

    async with service.http() as http:
        connection_cache = ConnectionCache(Codat(http, key), http.cloud.pace)
        with ExitStack() as stack:
            for _ in range(watchers):
                stack.enter_context(connection_cache.watching())
            for _ in range(rounds):
                now[0] += 30.0
                seen = await asyncio.gather(
                    *(connection_cache.connection(f"c{at}", f"n{at}") for at in range(watchers))
                )
    return [one.status if one is not None else "gone" for one in seen]


async def test_many_who_watch_ask_for_lists(now: list[float]) -> None:
    """Two hundred connections cost two requests a round; what no list shows is asked for itself.

    contract C7.3
    """
    service = codat_of_companies(200)
    seen = await statuses(service, 201, 3, now)
    assert seen == ["PendingAuth"] * 199 + ["Linked", "gone"]
    singles = [path for path in service.asked if "/connections/" in path]
    assert set(singles) == {f"/companies/c{at}/connections/n{at}" for at in (199, 200)}
    assert len(service.asked) - len(singles) == 2 * 3


@pytest.mark.parametrize(("companies", "watchers", "lists"), [(50, 10, 0), (5000, 40, 50)])
async def test_few_who_watch_ask_for_themselves(
    now: list[float], companies: int, watchers: int, lists: int
) -> None:
    """Where a list would take more requests: with few, and among many more companies."""
    service = codat_of_companies(companies)
    await statuses(service, watchers, 4, now)
    assert len([path for path in service.asked if "?" in path]) == lists
    singles = [path for path in service.asked if "/connections/" in path]
    assert len(singles) == watchers * (4 if not lists else 3)


def operation(kind: str, at: str, environment: str, **parameters: str) -> dict[str, Any]:
    """A row of the admin centre's log."""
    given = {"environmentName": environment, **parameters}
    return {
        "id": f"{kind} {at}",
        "type": kind,
        "status": "succeeded",
        "createdOn": f"2026-11-{at}T09:00:00Z",
        "parameters": given,
    }


def renaming(at: str, old: str, new: str) -> dict[str, Any]:
    """A row that tells of another name."""
    return operation("environmentRename", at, old, oldEnvironmentName=old, newEnvironmentName=new)


LOG = [
    operation("environmentAppInstall", "20", "Live"),
    renaming("19", "Interim", "Live"),
    renaming("18", "First", "Interim"),
    operation("environmentAppUninstall", "21", "First"),
    operation("environmentAppUpdate", "17", "First"),
    operation("restart", "16", "Elsewhere"),
    renaming("12", "Round", "About"),
    renaming("11", "About", "Round"),
]


@asynccontextmanager
async def a_view(service: Service) -> AsyncIterator[TenantView]:
    """A tenant's view whose client asks `service`."""

    async def token(**_: Any) -> Token:
        return Token(Secret("a-token-of-the-test"), TENANT, "", frozenset(), None)

    async with service.http() as http:
        yield TenantView(BusinessCentral(http, token, TENANT), http.cloud.pace)


def admin_centre(path: str) -> Any:
    """An admin centre with that log and one environment."""
    if path.endswith("/environments/operations"):
        return {"value": LOG}
    return {"value": [{"name": "Live", "type": "Production", "status": "Upgrading"}]}


async def test_an_environment_keeps_its_log_when_it_is_renamed() -> None:
    """Under each earlier name up to the day when that was given up, and not what came after.

    contract B4.10 and B9.19
    """
    service = Service(admin_centre)
    async with a_view(service) as view:
        seen = await view.operations("live")
        assert await view.was_called("Live", "first")
        assert not await view.was_called("Live", "Elsewhere")
        assert await view.was_called("About", "Round")
    assert [one.id for one in seen.value or ()] == [
        "environmentAppInstall 20",
        "environmentRename 19",
        "environmentRename 18",
        "environmentAppUpdate 17",
    ]
    assert len(service.asked) == 1


async def test_a_tenant_is_looked_at_once_for_all(now: list[float]) -> None:
    """However many want to know, until the answer is older than what lies between two polls.

    contract B12.10
    """
    service = Service(admin_centre)
    async with a_view(service) as view:
        for _ in range(2):
            now[0] += 30.0
            seen = await asyncio.gather(*(view.environment("LIVE") for _ in range(100)))
            assert {one.value.status for one in seen if one.value} == {"Upgrading"}
        assert (await view.environment("Elsewhere")).is_absent
    assert len(service.asked) == 2


async def test_what_may_not_be_read_is_unknown_to_all() -> None:
    """With the reason, and never taken for absent."""
    refusal = httpx.Response(403, json={"code": "Forbidden", "message": "Not for you."})
    async with a_view(Service(lambda _: refusal)) as view:
        for seen in (await view.operations("Live"), await view.environment("Live")):
            assert "Not for you." in seen.unknown
        assert not await view.was_called("Live", "First")
