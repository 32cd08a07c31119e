"""The steps, whichever way the services lag and in whatever form they answer.

Recordings and documentation differ in the order of lists and the form of dates (contract G5.10,
G5.12), and nobody promises either: both have to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bcrunbook.http.network import Network
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.steps.requirements import REDIRECT_URI
from tests.conftest import MakeWorkspace, only_account
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps, states

TURNED = ("appRoles", "redirectUris", "requiredResourceAccess", "passwordCredentials")
DATE = re.compile(r'(?<=")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z(?=")')
LENGTH = "content-length"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"

Rewrite = Callable[[str], str]


def as_answered(text: str) -> str:
    """An answer as the rehearsal cloud gives it: as recorded."""
    return text


def in_the_order_sent(text: str) -> str:
    """An answer with its lists in the order in which they were written."""
    return json.dumps(_turned(json.loads(text)))


def _turned(data: Any) -> Any:
    if isinstance(data, list):
        return [_turned(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {
        name: [_turned(one) for one in value[::-1]] if name in TURNED else _turned(value)
        for name, value in data.items()
    }


def with_seven_digits(text: str) -> str:
    """An answer whose dates all have seven digits behind the point."""
    return DATE.sub(lambda found: f"{found[1]}.{(found[2] or '').ljust(7, '0')}Z", text)


class Rewritten(httpx.AsyncBaseTransport):
    """The network, with the bodies of reads in another form."""

    def __init__(self, network: httpx.AsyncBaseTransport, rewrite: Rewrite) -> None:
        self._network = network
        self._rewrite = rewrite

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, rewritten where it is a read of Graph or Codat."""
        answer = await self._network.handle_async_request(request)
        hosts = ("graph.microsoft.com", "api.codat.io")
        if answer.status_code != 200 or request.url.host not in hosts:
            return answer
        text = (await answer.aread()).decode()
        headers = [(name, value) for name, value in answer.headers.items() if name != LENGTH]
        return httpx.Response(200, headers=headers, text=self._rewrite(text), request=request)

    async def aclose(self) -> None:
        """Close the network."""
        await self._network.aclose()


@pytest.fixture(scope="module", params=["usual", "worst"])
def lagging(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud of this module's own, in each of the two ways to lag."""
    folder = tmp_path_factory.mktemp(request.param)
    with launch(folder / "cloud", skips=True, lags=request.param) as description:
        yield description


async def test_the_steps_come_through_from_nothing(
    make_workspace: MakeWorkspace, lagging: RehearsalDescription, make_client: MakeClient
) -> None:
    """Registered, with a secret and consent; and then there is nothing to do.

    contract G7.12, G13.4 and G15.2
    """
    workspace = make_workspace(lagging)
    assert states(await run_steps(workspace)) == ["done", "changed", "changed", "changed"]
    assert states(await run_steps(workspace)) == ["done"] * 4
    app = make_client(on=lagging).application(only_account(workspace))
    assert app["web"]["redirectUris"] == [REDIRECT_URI]


@pytest.mark.parametrize("form", [as_answered, in_the_order_sent, with_seven_digits])
async def test_the_steps_adopt_what_is_there_in_whatever_form_it_comes(
    make_workspace: MakeWorkspace,
    lagging: RehearsalDescription,
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    form: Rewrite,
) -> None:
    """Adopting what somebody made by hand: what is theirs stays, and a second run changes nothing.

    Theirs are redirect URIs, permissions of another API and a secret, before ours and after.

    contract G5.10 and G5.12
    """
    network = Network.transport
    monkeypatch.setattr(Network, "transport", lambda self: Rewritten(network(self), form))
    client = make_client(on=lagging)
    theirs = [f"https://contoso.example/{name}" for name in ("a", "b")]
    access = [{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]
    body = {
        "displayName": "By hand",
        "signInAudience": "AzureADMultipleOrgs",
        "web": {"redirectUris": [theirs[0], REDIRECT_URI, theirs[1]]},
        "requiredResourceAccess": [{"resourceAppId": GRAPH_APP, "resourceAccess": access}],
        "passwordCredentials": [{"displayName": "theirs"}],
    }
    made = client.call("POST", "/applications", body).json()
    workspace = make_workspace(lagging, client_id=made["appId"])
    assert states(await run_steps(workspace)) == ["done", "changed", "changed", "changed"]
    assert states(await run_steps(workspace)) == ["done"] * 4
    app = client.call("GET", f"/applications/{made['id']}").json()
    assert set(app["web"]["redirectUris"]) == {*theirs, REDIRECT_URI}
    assert len(app["requiredResourceAccess"]) == len(app["passwordCredentials"]) == 2
