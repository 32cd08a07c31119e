"""The client of Microsoft Graph against answers that the test decides."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.backoff import Backoff
from bcrunbook.core.pace import Pace
from bcrunbook.errors import (
    AnswerLost,
    AskAdministrator,
    FixInput,
    ReportBug,
    RunbookError,
    SignInAgain,
    Unreachable,
    WaitAndRetry,
)
from bcrunbook.http.client import Http
from bcrunbook.secrets import Secret
from bcrunbook.services.graph import reads as calls
from bcrunbook.services.graph.client import BASE, Graph
from bcrunbook.services.graph.errors import Reply
from bcrunbook.services.graph.models import (
    Application,
    Grant,
    Organization,
    PasswordCredential,
    SecretPolicy,
    ServicePrincipal,
    User,
)
from bcrunbook.services.graph.reads import Read
from bcrunbook.signin import Token

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "examples" / "graph.jsonl"
APP = {"id": "object-1", "appId": "client-1", "displayName": "Books"}
ENDS = datetime(2030, 1, 1, tzinfo=UTC)
Answer = httpx.Response | Exception
Call = Callable[[Graph], Awaitable[Any]]


class Keyring:
    """A stand-in for the sign-in: a new token each time, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.is_application = False

    async def graph(self, *, consent: bool = False, fresh: bool = False, claims: str = "") -> Token:
        """A token that names its place in the order."""
        self.asked.append({"consent": consent, "fresh": fresh, "claims": claims})
        return Token(Secret(f"token-{len(self.asked)}"), "tenant", "", frozenset(), None)


@dataclass
class Service:
    """A Microsoft Graph that answers as the test says, and the requests it saw.

    Args:
        answer: given a request, its answer.
    """

    answer: Callable[[httpx.Request], Answer]
    seen: list[httpx.Request] = field(default_factory=list)
    keyring: Keyring = field(default_factory=Keyring)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def do(self, call: Call, backoff: Backoff | None = None) -> Any:
        """What a call of the client comes to."""
        cloud = Cloud(kind="rehearsal", pace=Pace(speed=1e5))
        async with Http(cloud, transport=httpx.MockTransport(self._handle)) as http:
            sign_in: Any = self.keyring
            return await call(Graph(http, sign_in, backoff=backoff))

    @property
    def sent(self) -> list[str]:
        """Method and decoded path of every request."""
        return [f"{one.method} {unquote(one.url.path)}" for one in self.seen]


def scripted(*answers: Answer) -> Service:
    """A service that gives these answers in order."""
    left = iter(answers)
    return Service(lambda _: next(left))


def endless(answer: Callable[[], Answer]) -> Service:
    """A service that always gives the same answer."""
    return Service(lambda _: answer())


def refused(
    status: int, code: str = "", message: str = "no", headers: dict[str, str] | None = None
) -> httpx.Response:
    """An error of Microsoft Graph."""
    inner = {"date": "2030-01-01T00:00:00", "request-id": "id-of-the-request"}
    error = {"code": code, "message": message, "innerError": inner}
    return httpx.Response(status, json={"error": error}, headers=headers)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every pause that was made, in the cloud's seconds."""
    found: list[float] = []

    async def note(_: Pace, seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(Pace, "sleep", note)
    return found


# --- Reading ----------------------------------------------------------------------------------

READS: list[Read[Any]] = [calls.organization(), calls.me(), calls.secret_policy()]
ORGANIZATION = {"value": [{"id": "tenant", "displayName": "Contoso"}]}
BODIES: dict[str, Any] = {
    "/organization": ORGANIZATION,
    "/me": {"id": "user", "displayName": "Ada"},
    "/policies/defaultAppManagementPolicy": {"id": "policy", "isEnabled": True},
}


def part(id: str, status: int, body: Any = None, **headers: str) -> dict[str, Any]:
    """One part of a batch's answer."""
    return {"id": id, "status": status, "headers": headers, "body": body}


def parts_of(request: httpx.Request) -> list[dict[str, Any]]:
    """The requests in a batch."""
    return list(json.loads(request.content)["requests"])


def batched(of: Callable[[str, int], dict[str, Any]]) -> Service:
    """A service that answers batches, each part by its path and the number of the batch."""
    service = Service(lambda _: httpx.Response(500))

    def answer(request: httpx.Request) -> httpx.Response:
        parts = []
        for one in parts_of(request):
            path = str(one["url"]).split("?")[0]
            parts.append({"id": one["id"], **of(path, len(service.seen))})
        return httpx.Response(200, json={"responses": parts[::-1]})

    service.answer = answer
    return service


def good(path: str) -> dict[str, Any]:
    """A part that succeeds."""
    return {"status": 200, "body": BODIES[path]}


async def test_the_parts_of_a_batch_are_matched_by_id() -> None:
    """Answers come in any order; each read gets its own, and one call is made.

    contract G1.1, G11.1, G11.2 and G11.4
    """
    service = batched(lambda path, _: good(path))
    organization, me, policy = await service.do(lambda graph: graph.look(*READS))
    assert organization.value.display_name == "Contoso"
    assert (me.value.display_name, policy.value.is_enabled) == ("Ada", True)
    assert service.sent == ["POST /v1.0/$batch"]
    assert {one["method"] for one in parts_of(service.seen[0])} == {"GET"}


async def test_what_may_not_be_read_is_unknown_and_not_absent() -> None:
    """404 is nothing there; 403 is unknown, with the service's reason; neither stops the others.

    contract G8.2
    """
    denied = {"error": {"code": "Authorization_RequestDenied", "message": "Not for you."}}

    def of(path: str, _: int) -> dict[str, Any]:
        if path == "/me":
            return {"status": 404, "body": None}
        return {"status": 403, "body": denied} if path.startswith("/policies") else good(path)

    organization, me, policy = await batched(of).do(lambda graph: graph.look(*READS))
    assert organization.value.id == "tenant"
    assert me.is_absent
    assert not policy.is_absent and policy.value is None
    assert "Not for you." in policy.unknown


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_part_that_was_throttled_or_broken_is_asked_again(
    waits: list[float], status: int
) -> None:
    """Only that part is asked again, after the pause that it named (contract G11.3 and G14.4)."""

    def of(path: str, batch: int) -> dict[str, Any]:
        if path == "/me" and batch == 1:
            return {"status": status, "headers": {"Retry-After": "33.5"}, "body": None}
        return good(path)

    service = batched(of)
    seen = await service.do(lambda graph: graph.look(*READS))
    assert [one.value is not None for one in seen] == [True] * 3
    assert [one["url"].split("?")[0] for one in parts_of(service.seen[1])] == ["/me"]
    assert waits == [33.5]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "100000"}])
async def test_a_part_that_stays_broken_ends_the_read(headers: dict[str, str]) -> None:
    """The backoff for a part is finite, and a wait beyond it is not begun."""
    service = batched(lambda path, _: {"status": 503, "headers": headers})
    with pytest.raises(WaitAndRetry):
        await service.do(lambda graph: graph.look(*READS))
    assert len(service.seen) < 40


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: refused(400, "Request_BadRequest"), FixInput),
        (lambda: refused(403, "Authorization_RequestDenied"), AskAdministrator),
        (lambda: refused(503), WaitAndRetry),
        (lambda: httpx.Response(200, text="<html>hello</html>"), Unreachable),
        (lambda: httpx.Response(200, text="[" * 100_000), Unreachable),
        (lambda: httpx.Response(200, json={"value": []}), ReportBug),
        (lambda: httpx.Response(200, json={"responses": [part("0", 200)]}), ReportBug),
        (lambda: httpx.Response(200, json={"responses": ["x"]}), ReportBug),
        (lambda: httpx.ReadError("reset"), Unreachable),
    ],
)
async def test_a_batch_that_fails_as_a_whole_is_an_error(
    answer: Callable[[], Answer], kind: type[RunbookError]
) -> None:
    """Nothing is known then: no part is taken for absent."""
    with pytest.raises(kind):
        await endless(answer).do(lambda graph: graph.look(*READS))


@pytest.mark.parametrize("body", [{}, {"value": []}, {"value": [{}]}, [], "x"])
async def test_an_answer_in_an_odd_form_is_not_a_traceback(body: Any) -> None:
    """What cannot be read is reported as such."""
    with pytest.raises(ReportBug):
        await endless(lambda: httpx.Response(200, json=body)).do(
            lambda graph: graph.look(calls.organization())
        )


@pytest.mark.parametrize("together", [1, 2])
async def test_all_pages_of_a_list_are_read(together: int) -> None:
    """An empty page is not the last one while there is a next link, in a batch as well.

    contract G5.9
    """
    first = {"value": [], "@odata.nextLink": f"{BASE}/applications?$skiptoken=2"}
    second = {"value": [APP]}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=second if "skiptoken" in str(request.url) else first)
        parts = [part(one["id"], 200, first) for one in parts_of(request)]
        return httpx.Response(200, json={"responses": parts})

    reads = [calls.applications_tagged("t")] * together
    seen = await Service(answer).do(lambda graph: graph.look(*reads))
    assert [[one.app_id for one in found.value] for found in seen] == [["client-1"]] * together


async def test_a_token_goes_to_no_other_host() -> None:
    """A next link that leads elsewhere is not followed."""
    body = {"value": [], "@odata.nextLink": "https://elsewhere.example/v1.0/applications"}
    service = endless(lambda: httpx.Response(200, json=body))
    with pytest.raises(ReportBug):
        await service.do(lambda graph: graph.look(calls.applications_tagged("t")))
    assert {one.url.host for one in service.seen} == {"graph.microsoft.com"}


async def test_what_was_made_is_waited_for() -> None:
    """A read of something that exists is repeated until it shows, and not for ever."""
    read = calls.application_with_client_id("client-1")
    service = scripted(refused(404), refused(404), httpx.Response(200, json=APP))
    assert (await service.do(lambda graph: graph.wait_for(read))).id == "object-1"
    with pytest.raises(WaitAndRetry) as caught:
        await endless(lambda: refused(404)).do(lambda graph: graph.wait_for(read))
    assert "run again" in caught.value.next


def test_names_are_quoted_for_the_address() -> None:
    """A quote in a name is doubled and everything is percent-encoded (contract G5.5)."""
    path = calls.application_named("o'brien & co").path
    assert "uniqueName='o%27%27brien%20%26%20co'" in path


# --- Tokens -----------------------------------------------------------------------------------


async def test_a_token_that_was_refused_is_renewed_once() -> None:
    """A 401 makes one fresh token; the call is repeated with it (contract G12.4)."""
    service = scripted(refused(401, "InvalidAuthenticationToken"), httpx.Response(204))
    await service.do(lambda graph: graph.update_application("object-1", {}))
    assert [one["fresh"] for one in service.keyring.asked] == [False, True]
    sent = [one.headers["Authorization"] for one in service.seen]
    assert sent == ["Bearer token-1", "Bearer token-2"]


async def test_a_fresh_token_that_is_refused_too_means_signing_in_again() -> None:
    """The second 401 is the end."""
    service = endless(lambda: refused(401, "InvalidAuthenticationToken"))
    with pytest.raises(SignInAgain):
        await service.do(lambda graph: graph.look(calls.organization()))
    assert len(service.seen) == 2


DEMAND = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"},"acrs":{"value":"c?>1"}}}'
ENCODED = base64.b64encode(DEMAND.encode()).decode()
CHALLENGES = {
    "as documented": 'Bearer realm="", authorization_uri="https://login.example/common/oauth2/'
    f'authorize", client_id="x", error="insufficient_claims", claims="{ENCODED}"',
    "unpadded, after another scheme": f'Basic realm="a \\"b\\", c", Bearer claims="'
    f'{ENCODED.rstrip("=")}", error="invalid_token"',
    "for URLs, unquoted": "bearer ERROR=insufficient_claims,Claims="
    + base64.urlsafe_b64encode(DEMAND.encode()).decode(),
}


def challenged(status: int, header: str, message: str = "Access has been evaluated.") -> Answer:
    """A refusal of a token that has not expired, as continuous access evaluation makes it."""
    return refused(status, "InvalidAuthenticationToken", message, {"WWW-Authenticate": header})


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("header", CHALLENGES.values(), ids=CHALLENGES)
async def test_a_claims_challenge_is_answered(status: int, header: str) -> None:
    """What the header demands is asked for, once, and the call is repeated, a write too.

    contract G11.6
    """
    service = scripted(challenged(status, header), httpx.Response(201, json=APP))
    await service.do(lambda graph: graph.create_application({}))
    assert [one["claims"] for one in service.keyring.asked] == ["", DEMAND]
    assert [one.headers["Authorization"] for one in service.seen] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


@pytest.mark.parametrize("claims", ["", "%%%", "bm8=", "W10=", "W1tb" * 9000])
async def test_a_challenge_that_cannot_be_read_is_an_expired_token(claims: str) -> None:
    """No claims are made up of it: a fresh token is tried, as for every 401."""
    header = f'Bearer error="insufficient_claims", claims="{claims}"'
    service = endless(lambda: challenged(401, header))
    with pytest.raises(SignInAgain) as caught:
        await service.do(lambda graph: graph.look(calls.organization()))
    assert [(one["fresh"], one["claims"]) for one in service.keyring.asked] == [
        (False, ""),
        (True, ""),
    ]
    assert caught.value.code == "InvalidAuthenticationToken"


LOCATION = (
    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code:"
    " LocationConditionEvaluationSatisfied"
)


@pytest.mark.parametrize(
    ("is_application", "message", "kind", "why", "next"),
    [
        (False, "no", SignInAgain, "nbf, acrs", "sign in again"),
        (False, LOCATION, SignInAgain, "another address", "sign in again"),
        (True, "no", AskAdministrator, "nbf, acrs", "let this application in"),
        (True, LOCATION, AskAdministrator, "another address", "by the same way out"),
    ],
)
async def test_a_challenge_that_stays_says_who_can_do_what(
    is_application: bool, message: str, kind: type[RunbookError], why: str, next: str
) -> None:
    """A person signs in again; an application cannot, and is told of the policy or the network.

    contract G11.7
    """
    service = endless(lambda: challenged(401, CHALLENGES["as documented"], message))
    service.keyring.is_application = is_application
    with pytest.raises(RunbookError) as caught:
        await service.do(UPDATE)
    error = caught.value
    assert (type(error), error.exit_code, len(service.seen)) == (kind, 3, 2)
    assert message in error.what and why in error.why and next in error.next
    assert ("sign in again" in error.next) is not is_application
    if isinstance(error, AskAdministrator):
        assert not error.by_hand


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [(401, "InvalidAuthenticationToken", "clock"), (403, "insufficient_claims", "policy")],
)
async def test_an_application_is_not_told_to_sign_in_again(
    status: int, code: str, says: str
) -> None:
    """A token that is refused without a challenge that can be read: nobody is there to sign in."""
    service = endless(lambda: refused(status, code))
    service.keyring.is_application = True
    with pytest.raises(RunbookError) as caught:
        await service.do(UPDATE)
    assert caught.value.exit_code == 3
    assert "sign in" not in caught.value.next and says in caught.value.next


async def test_a_part_of_a_batch_may_be_challenged() -> None:
    """The parts are asked for again with a token that has the claims; what was read stays."""

    def answer(path: str, looks: int) -> dict[str, Any]:
        if "organization" in path and looks == 1:
            return {"status": 401, "headers": {"WWW-Authenticate": CHALLENGES["as documented"]}}
        return good(path)

    service = batched(answer)
    seen = await service.do(lambda graph: graph.look(*READS))
    assert all(one.value is not None for one in seen)
    assert DEMAND in [one["claims"] for one in service.keyring.asked]
    assert [len(parts_of(one)) for one in service.seen] == [3, 1]


# --- Writing ----------------------------------------------------------------------------------

UPDATE: Call = lambda graph: graph.update_application("object-1", {"displayName": "x"})  # noqa: E731
WRITES: dict[str, tuple[Call, httpx.Response]] = {
    "upsert": (
        lambda graph: graph.upsert_application("bcrunbook-t", {}),
        httpx.Response(201, json=APP),
    ),
    "create": (lambda graph: graph.create_application({}), httpx.Response(201, json=APP)),
    "update": (UPDATE, httpx.Response(204)),
    "add secret": (
        lambda graph: graph.add_password("object-1", "Codat", ENDS),
        httpx.Response(200, json={"keyId": "k", "secretText": "a~secret~text~of~Entra"}),
    ),
    "remove secret": (lambda graph: graph.remove_password("object-1", "k"), httpx.Response(204)),
    "principal": (
        lambda graph: graph.create_service_principal("client-1"),
        httpx.Response(201, json={"id": "sp", "appId": "client-1"}),
    ),
    "grant": (
        lambda graph: graph.create_grant("sp", "bc", frozenset({"a"})),
        httpx.Response(201, json={}),
    ),
    "extend grant": (
        lambda graph: graph.update_grant("g", frozenset({"a"})),
        httpx.Response(204),
    ),
}
NOT_REPEATABLE = ("create", "add secret", "principal", "grant")
NOT_YET = {
    "the personal side of the app": (409, "Error_MsaAppDoesNotExist", "x"),
    "two writes at once": (409, "Directory_ConcurrencyViolation", "x"),
    "the app, for its principal": (
        400,
        "Request_BadRequest",
        "The appId 'x' of the service principal does not reference a valid application object.",
    ),
    "a reference": (
        400,
        "Request_BadRequest",
        "Resource 'x' does not exist or one of its queried reference-property objects are not"
        " present.",
    ),
    "the object": (404, "Request_ResourceNotFound", "Resource 'x' does not exist"),
    "the backing application": (
        403,
        "Authorization_RequestDenied",
        "When using this permission, the backing application of the service principal being"
        " created must in the local tenant",
    ),
    "a changed object": (412, "", "Precondition failed"),
    "a locked object": (423, "", "Locked"),
}


# Nothing to remove is what a removal wanted, so 400 and 404 are no refusals of it.
EARLY = [
    (write, case)
    for write in WRITES
    for case, (status, *_) in NOT_YET.items()
    if write != "remove secret" or status not in (400, 404)
]


@pytest.mark.parametrize(("write", "case"), EARLY)
async def test_what_is_not_there_yet_is_waited_for(write: str, case: str) -> None:
    """Each refusal that time heals is outlived by each write.

    contract G9.6, G12.6, G12.7, G12.8 and G12.10
    """
    call, answer = WRITES[write]
    refusal = NOT_YET[case]
    service = scripted(refused(*refusal), refused(*refusal), answer)
    await service.do(call)
    assert len(service.seen) == 3


async def test_the_wait_for_what_does_not_come_ends(waits: list[float]) -> None:
    """Pauses grow, the deadline holds, and the error names code and request.

    contract G13.2
    """
    service = endless(lambda: refused(409, "Error_MsaAppDoesNotExist"))
    with pytest.raises(WaitAndRetry) as caught:
        await service.do(UPDATE, Backoff(first=1, longest=8, deadline=30))
    assert waits == [1, 2, 4, 8, 8]
    assert caught.value.code == "Error_MsaAppDoesNotExist"
    assert caught.value.request_id == "id-of-the-request"
    assert caught.value.why and caught.value.next


REFUSALS: list[tuple[int, str, type[RunbookError]]] = [
    (403, "Authorization_RequestDenied", AskAdministrator),
    (403, "Directory_QuotaExceeded", AskAdministrator),
    (403, "insufficient_claims", SignInAgain),
    (405, "", ReportBug),
    (400, "Request_BadRequest", FixInput),
    (400, "InvalidAccessTokenVersion", FixInput),
    (400, "CredentialInvalidLifetimeAsPerAppPolicy", FixInput),
]


@pytest.mark.parametrize(
    ("write", "status", "code", "kind"),
    [
        (write, *refusal)
        for write in WRITES
        for refusal in REFUSALS
        if write != "remove secret" or refusal[0] != 400
    ],
)
async def test_a_real_refusal_is_told_at_once(
    write: str, status: int, code: str, kind: type[RunbookError]
) -> None:
    """What no waiting heals is not waited for; the advice fits the code.

    contract G3.3, G6.13, G8.5 and G12.12
    """
    service = scripted(refused(status, code, "Insufficient privileges."))
    with pytest.raises(kind) as caught:
        await service.do(WRITES[write][0])
    assert len(service.seen) == 1
    assert "Insufficient privileges." in caught.value.what
    assert caught.value.next and (caught.value.why or not code)


@pytest.mark.parametrize("write", NOT_REPEATABLE)
@pytest.mark.parametrize(
    "answer",
    [lambda: refused(500), lambda: refused(503), lambda: httpx.ReadTimeout("slow")],
    ids=["500", "503", "timeout"],
)
async def test_what_would_be_done_twice_is_never_sent_twice(
    write: str, answer: Callable[[], Answer]
) -> None:
    """After a failure of the service or a lost answer, the caller has to look first.

    contract G6.3, G7.5 and G12.13
    """
    service = scripted(answer())
    with pytest.raises(AnswerLost) as caught:
        await service.do(WRITES[write][0])
    assert len(service.seen) == 1
    assert "run again" in caught.value.next


@pytest.mark.parametrize("write", [one for one in WRITES if one not in NOT_REPEATABLE])
async def test_what_says_the_same_twice_is_sent_again(write: str) -> None:
    """A write that is safe to repeat outlives a failure and a lost answer."""
    call, answer = WRITES[write]
    service = scripted(refused(503), httpx.ReadError("reset"), answer)
    await service.do(call)
    assert len(service.seen) == 3


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("form", ["2.128", "a date"])
async def test_a_throttled_call_waits_as_long_as_it_is_told(
    waits: list[float], write: str, form: str
) -> None:
    """A 429 had no effect: even a POST is repeated, after a fraction or until a date.

    contract G12.11 and G14.4
    """
    call, answer = WRITES[write]
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    headers = {"Retry-After": date if form == "a date" else form}
    service = scripted(refused(429, "TooManyRequests", headers=headers), answer)
    await service.do(call)
    (waited,) = waits
    assert 25 < waited <= 30 if form == "a date" else waited == 2.128


async def test_a_throttled_call_that_is_told_nothing_waits_longer_each_time(
    waits: list[float],
) -> None:
    """A policy may leave the pause out; what else the headers say is not needed (contract G14.5).

    An answer without a body ends it (contract G6.6).
    """
    headers = {"x-ms-throttle-scope": "Tenant_Application/ReadWrite"}
    refusals = [refused(429, "TooManyRequests", headers=headers) for _ in range(3)]
    service = scripted(*refusals, httpx.Response(204))
    await service.do(UPDATE)
    assert len(waits) == 3 and 0 < waits[0] < waits[1] < waits[2]


@pytest.mark.parametrize(
    "body",
    [None, "x", [], {"keyId": "k"}, {"secretText": "a~secret~that~nobody~can~keep"}],
)
async def test_a_secret_whose_answer_cannot_be_read_counts_as_lost(body: Any) -> None:
    """It was made, and nobody has it: the next look removes it, and no message shows it.

    contract G7.5
    """
    service = scripted(httpx.Response(200, json=body))
    with pytest.raises(AnswerLost) as caught:
        await service.do(WRITES["add secret"][0])
    assert "nobody~can~keep" not in f"{caught.value} {caught.value.__cause__}"


async def test_a_new_secret_prints_as_dots() -> None:
    """The value is there, and does not show."""
    call, answer = WRITES["add secret"]
    made = await scripted(answer).do(call)
    assert made.value.reveal() == "a~secret~text~of~Entra"
    assert "a~secret" not in repr(made)


async def test_what_exists_already_is_as_good_as_made() -> None:
    """A second grant or service principal for the same pair is told, not raised.

    contract G6.1, G9.2, G10.4 and G12.9
    """
    there = "Request_MultipleObjectsWithSameKeyValue"
    assert await scripted(refused(409, there)).do(WRITES["principal"][0]) is None
    assert await scripted(refused(409, there)).do(WRITES["grant"][0]) is False
    assert await scripted(WRITES["grant"][1]).do(WRITES["grant"][0]) is True
    assert await scripted(httpx.Response(204)).do(WRITES["upsert"][0]) is None


async def test_somebody_elses_application_is_not_waited_for() -> None:
    """Business Central was not made moments ago: for it the same refusal is a real one.

    contract G9.5
    """
    service = scripted(refused(*NOT_YET["the backing application"]))
    with pytest.raises(AskAdministrator):
        await service.do(lambda graph: graph.create_service_principal("bc", is_ours=False))
    assert len(service.seen) == 1


async def test_consent_is_asked_for_only_to_consent() -> None:
    """Only granting asks for the right to grant (contract G15.1)."""
    for write, (call, answer) in WRITES.items():
        service = scripted(answer)
        await service.do(call)
        assert [one["consent"] for one in service.keyring.asked] == ["grant" in write], write


@pytest.mark.parametrize("status", [400, 404])
async def test_removing_what_is_gone_is_done(status: int) -> None:
    """A removal that finds nothing is as good as one that removed (contract G7.8)."""
    service = scripted(refused(status, "Request_ResourceNotFound"))
    await service.do(WRITES["remove secret"][0])
    assert len(service.seen) == 1


# --- Error envelopes --------------------------------------------------------------------------

ENVELOPES: dict[str, tuple[Any, str, str, str]] = {
    "usual": (
        {"error": {"code": "A", "message": "m", "innerError": {"request-id": "r"}}},
        "A",
        "m",
        "r",
    ),
    "innermost code": (
        {"error": {"code": "A", "innerError": {"code": "B", "innerError": {"code": "C"}}}},
        "C",
        "no message",
        "",
    ),
    "lower case": ({"error": {"code": "A", "innererror": {"code": "B"}}}, "B", "no message", ""),
    "empty code": ({"error": {"code": "", "message": "m"}}, "", "m", ""),
    "empty inner code": ({"error": {"code": "A", "innerError": {"code": ""}}}, "A", "x", ""),
    "requestId": ({"error": {"code": "A", "innerError": {"requestId": "r"}}}, "A", "x", "r"),
    "requestId outside": ({"error": {"code": "A", "requestId": "r"}}, "A", "x", "r"),
    "details": (
        {"error": {"code": "A", "message": "m", "details": [{"target": "web"}, "odd", {}]}},
        "A",
        "m (web)",
        "",
    ),
    "odd details": ({"error": {"code": "A", "message": "m", "details": "odd"}}, "A", "m", ""),
    "odd inner error": ({"error": {"code": "A", "innerError": "odd"}}, "A", "x", ""),
    "a text": ({"error": "invalid"}, "", "no message", ""),
    "nothing": ({}, "", "no message", ""),
    "no body": (None, "", "no message", ""),
    "a list": ([], "", "no message", ""),
}


@pytest.mark.parametrize("name", ENVELOPES)
@pytest.mark.parametrize("status", [400, 403, 404, 409, 418, 429, 500, 504])
def test_every_form_of_an_error_is_understood(name: str, status: int) -> None:
    """Code, message and request id are found where they are; what is missing is no traceback.

    contract G12.1, G12.2 and G12.3
    """
    body, code, message, request_id = ENVELOPES[name]
    reply = Reply(status, {}, body)
    error = reply.refusal("a call")
    assert (reply.code, error.code) == (code, code or str(status))
    assert message == "x" or message in error.what
    assert error.request_id == request_id
    assert error.next and str(status) in error.what


async def test_a_gateways_page_is_no_traceback() -> None:
    """HTML in the place of an error: status and request id are told, the page is not.

    contract G12.2
    """
    page = "<html><body>502 Bad Gateway</body></html>"
    answer = httpx.Response(403, text=page, headers={"request-id": "r"})
    with pytest.raises(AskAdministrator) as caught:
        await scripted(answer).do(UPDATE)
    assert (caught.value.request_id, caught.value.code) == ("r", "403")
    assert "<html>" not in str(caught.value)


# --- Documented and observed answers ----------------------------------------------------------

PARSED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "application": ("application-", Application.model_validate),
    "principal": ("serviceprincipal-", ServicePrincipal.model_validate),
    "organization": ("organization-", Organization.model_validate),
    "user": ("me-", User.model_validate),
    "policy": ("default-app-management-policy", SecretPolicy.model_validate),
    "grant": ("grant-create", Grant.model_validate),
    "grants": ("grant-list", Grant.model_validate),
    "secret": ("application-addpassword", PasswordCredential.model_validate),
}


def examples() -> list[dict[str, Any]]:
    """The documented exchanges; none where they are not at hand."""
    if not EXAMPLES.exists():
        return []
    return [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]


needs_examples = pytest.mark.skipif(
    not EXAMPLES.exists(), reason="the contracts are not beside this repository"
)


@needs_examples
@pytest.mark.parametrize("kind", PARSED)
def test_documented_objects_are_understood(kind: str) -> None:
    """Every object that the documentation prints in whole becomes one of ours."""
    begins, parse = PARSED[kind]
    parsed = 0
    for example in examples():
        body = example["response_body"]
        if not example["id"].startswith(begins) or not isinstance(body, dict):
            continue
        if kind == "application" and "passwordCredential" in str(body.get("@odata.context")):
            continue
        for one in body.get("value", [body]):
            if "id" in one or "keyId" in one:
                if kind in ("application", "principal") and not {"id", "appId"} <= one.keys():
                    continue  # a page that shows some of the properties only
                parse(one)
                parsed += 1
    assert parsed


@needs_examples
def test_documented_errors_are_understood() -> None:
    """Every error that was printed or observed has code, message and a kind of its own."""
    failed = [one for one in examples() if (one["status"] or 0) >= 400]
    found = 0
    for example in failed:
        if not isinstance(example["response_body"].get("error"), dict):
            continue  # Entra's own form
        headers = {k.lower(): v for k, v in (example["response_headers"] or {}).items()}
        reply = Reply(example["status"], headers, example["response_body"])
        error = reply.refusal(example["id"])
        assert reply.message != "no message"
        assert error.code and error.why and error.next, example["id"]
        assert not isinstance(error, ReportBug)
        found += 1
    assert found >= 5


@needs_examples
async def test_the_documented_batch_is_understood() -> None:
    """A batch as documented, with its mixture of answers, is taken apart by id."""
    (example,) = (one for one in examples() if one["id"] == "batch-mixed")
    # The 405 of the page's example belongs to a request that is not a read.
    parts = [one for one in example["response_body"]["responses"] if one["status"] != 405]
    numbered = [{**one, "id": str(index)} for index, one in enumerate(parts)]
    answer = httpx.Response(200, json={"responses": numbered[::-1]})
    reads = [Read(one["id"], lambda body: body["@odata.count"]) for one in parts]
    denied, counted = await scripted(answer).do(lambda graph: graph.look(*reads))
    assert "Insufficient privileges" in denied.unknown
    assert counted.value == 36
