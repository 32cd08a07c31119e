"""A running rehearsal cloud for the tests in this folder.

One server serves the whole session, fast: tests share its world and therefore make their own
applications. Whoever needs other settings launches a server of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from bcrunbook.rehearsal import RehearsalDescription, launch
from tests.rehearsal.support import Graph, app_token, client_of, person, user_token

SPEED = 200


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """The cloud that most tests share."""
    with launch(tmp_path_factory.mktemp("cloud"), speed=SPEED, lags="worst") as description:
        yield description


@pytest.fixture(scope="session")
def http(rehearsal: RehearsalDescription) -> Iterator[httpx.Client]:
    """A client that reaches the shared cloud by its proxy."""
    with client_of(rehearsal) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[httpx.Client]:
    """A person's browser: not behind the proxy, follows nothing by itself."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def batch(rehearsal: RehearsalDescription, http: httpx.Client) -> Graph:
    """Graph, as the application for unattended runs."""
    return Graph(http, app_token(http, rehearsal))


@pytest.fixture(scope="session")
def admin(rehearsal: RehearsalDescription, http: httpx.Client) -> Graph:
    """Graph, as a Global Administrator."""
    return Graph(http, user_token(http, rehearsal, person(rehearsal, "Global Administrator")))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A server whose time passes only where a test lets it: its lags are seen."""
    with launch(tmp_path_factory.mktemp("slow"), skips=True, lags="worst") as description:
        yield description
