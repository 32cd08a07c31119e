"""A rehearsal without trouble refutes nothing, and each kind of change of an answer is found."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.errors import RunbookError
from bcrunbook.fidelity.answers import answers_of, is_of_service, known_answers
from bcrunbook.fidelity.result import FidelityResult, judge
from bcrunbook.order import CODAT_KEYS, REGISTER_APPLICATION
from tests.conftest import lay_out
from tests.support.linking import with_journal
from tests.support.running import run_steps
from tests.support.shape_runs import other_sign_ins
from tests.support.shapes import clean_rehearsals, journal_of
from tests.support.troubled import Troubled, troubled

CODAT = "api.codat.io"
LOGIN = "login.microsoftonline.com"
RENEW = "renew what is known of the rehearsal's answers: uv run poe known-answers"

LIMITS = {
    "X-Rate-Limit-Limit": "1000",
    "X-Rate-Limit-Remaining": "900",
    "X-Rate-Limit-Reset": "2026-11-30T00:00:00Z",
}
PROFILE = {
    "name": "Millrace Lending (test)",
    "redirectUrl": "https://millrace.example/back",
    "logoUrl": "https://millrace.example/logo",
    "iconUrl": "https://millrace.example/icon",
    "whiteListUrls": [],
}
JSON = {"Content-Type": "application/json; charset=utf-8"}


def profile(*without: str, **changes: Any) -> dict[str, Any]:
    """A rule by which Codat's profile is answered with changes."""
    body = {name: one for name, one in {**PROFILE, **changes}.items() if name not in without}
    return {
        "host": CODAT,
        "path": "^/profile$",
        "status": 200,
        "headers": {**JSON, **LIMITS},
        "body": body,
    }


def upsert(**changes: Any) -> dict[str, Any]:
    """A rule by which an application is answered as made, with these fields alone."""
    ids = {
        "id": "3f0c0a3e-9a5b-4d0e-8a43-5f0f6f0f3b11",
        "appId": "7a1c0a3e-9a5b-4d0e-8a43-5f0f6f0f3b22",
    }
    return {"path": "uniqueName", "method": "PATCH", "status": 201, "body": {**ids, **changes}}


def batch(*ids: str) -> dict[str, Any]:
    """A rule by which the parts of a batch are answered in an order."""
    missing = {"error": {"code": "Request_ResourceNotFound", "message": "No."}}
    parts = [{"id": one, "status": 404, "headers": {}, "body": missing} for one in ids]
    return {"path": "batch$", "status": 200, "body": {"responses": parts}}


TOKEN_REFUSED = {
    "host": LOGIN,
    "path": "/token$",
    "status": 401,
    "body": {
        "error": "invalid_grant",
        "error_description": "AADSTS70000: No.",
        "error_codes": [70000],
    },
}

MADE = "$/createdDateTime"

CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "status": ({**profile(), "status": 203}, "status", ""),
    "code": (TOKEN_REFUSED, "code", ""),
    "missing": (profile("redirectUrl"), "missing field", "$/redirectUrl"),
    "extra": (profile(isSecurityEnabled=True), "extra field", "$/isSecurityEnabled"),
    "kind": (profile(logoUrl=5), "kind of field", "$/logoUrl"),
    "null": (profile(iconUrl=None), "null", "$/iconUrl"),
    "order": (batch("2", "1", "0"), "order", "$/responses"),
    "date": (upsert(createdDateTime="2026-11-29T10:00:00+01:00"), "form of date", MADE),
    "header": ({**profile(), "headers": JSON}, "header", "x-rate-limit-limit"),
    "media type": ({**profile(), "headers": {**LIMITS, "Content-Type": "text/plain"}}, "header",
                   "content-type"),
}  # fmt: skip


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubled]:
    """One troubled cloud for all tests of this module."""
    with troubled(tmp_path_factory.mktemp("trouble")) as one:
        yield one


def judged(trouble: Troubled, folder: Path, *rules: dict[str, Any]) -> FidelityResult:
    """What the journal of a rehearsal with these faults says."""
    trouble.now(*rules)
    name = f"a{folder.name[-12:].replace('_', '-')}"
    workspace = with_journal(lay_out(folder, trouble.cloud, {name: {}}))
    for step in (REGISTER_APPLICATION, CODAT_KEYS):
        with contextlib.suppress(RunbookError):
            asyncio.run(run_steps(workspace, step))
    return judge(journal_of(workspace), known_answers())


def found(result: FidelityResult) -> set[tuple[str, str]]:
    """The differences of a result: what and where."""
    return {(other.what, other.where) for one in result.answers for other in one.differences}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_an_answer_is_found(trouble: Troubled, tmp_path: Path, change: str) -> None:
    """Each kind of difference, with both shapes."""
    rule, what, where = CHANGES[change]
    result = judged(trouble, tmp_path, rule)
    assert (what, where) in found(result)
    assert result.refutes


def test_a_faithful_answer_is_no_difference(trouble: Troubled, tmp_path: Path) -> None:
    """The same profile as the rehearsal's, answered by a rule; a list that is filled, a 429."""
    throttled = {
        "host": CODAT,
        "path": "^/profile$",
        "nth": 1,
        "status": 429,
        "headers": {**JSON, **LIMITS, "Retry-After": "1"},
        "body": {"statusCode": 429, "error": "Slow down."},
    }
    filled = profile(whiteListUrls=["https://millrace.example"])
    assert found(judged(trouble, tmp_path, throttled, filled)) == set()


def test_a_fact_is_refuted_with_both_shapes(trouble: Troubled, tmp_path: Path) -> None:
    """Codat without its limits; a refusal of Entra with another status than its code has."""
    silent = {**profile(), "headers": JSON}
    refused = {**TOKEN_REFUSED, "nth": 1}
    facts = {one.fact: one for one in judged(trouble, tmp_path, silent, refused).facts}
    assert facts["C3.5"].verdict == "refuted"
    assert "* api.codat.io/*: x-rate-limit-limit" in facts["C3.5"].holds
    assert "GET api.codat.io/profile -> x-rate-limit-limit absent" in facts["C3.5"].journal
    assert facts["G16.14"].verdict == "refuted"
    assert facts["G16.14"].journal[0].endswith("invalid_grant with 401")
    assert facts["G5.13"].verdict == "not met"


def test_what_a_gateway_says_is_nothing_of_the_service(trouble: Troubled, tmp_path: Path) -> None:
    """A page in HTML, a redirect: neither confirms nor refutes."""
    page = {"host": CODAT, "status": 502, "body": "<html>gateway</html>"}
    result = judged(trouble, tmp_path, page, {"status": 302, "headers": {"Location": "/x"}})
    assert not result.refutes
    facts = {one.fact: one.verdict for one in result.facts}
    assert facts["C1.9"] == facts["G11.2"] == "not met"


@pytest.fixture(scope="module")
def signed_in(
    trouble: Troubled, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, FidelityResult]:
    """What journals say whose accounts sign in by other means than a secret."""
    trouble.now()
    made = asyncio.run(other_sign_ins(tmp_path_factory.mktemp("signed-in"), trouble.cloud))
    known = known_answers()
    return {name: judge(journal_of(workspace), known) for name, workspace in made.items()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("certificate", "(client_assertion, client_assertion_type, client_id"),
        ("federated", "(client_assertion, client_assertion_type, client_id"),
        ("browser", "(client_id, client_info, code, code_verifier, grant_type, redirect_uri"),
        ("stranger", "scope) -> 401"),
        ("other-job", "scope) -> 401"),
    ],
)
def test_a_journal_of_each_sign_in_is_judged(
    signed_in: dict[str, FidelityResult], name: str, words: str
) -> None:
    """By certificate, platform's token and browser, and where Entra refuses: no answer is open."""
    answers = {one.request: one.verdict for one in signed_in[name].answers}
    token = [verdict for request, verdict in answers.items() if "token (" in request]
    assert any(words in request for request in answers)
    assert set(token) == {"confirmed"}
    went_well = {verdict for request, verdict in answers.items() if "-> 2" in request}
    assert went_well == {"confirmed"}
    assert not signed_in[name].refutes


def test_what_usual_runs_ask_for_is_known() -> None:
    """A device code, a vault, what is there or was taken away: each is in what is shipped."""
    known = {one.shown for one in known_answers().values()}
    graph = "graph.microsoft.com/v1.0"
    for request in (
        "POST login.microsoftonline.com/{}/oauth2/v2.0/devicecode (client_id, scope) -> 200",
        "PUT {}.vault.azure.net/secrets/{} -> 200",
        "DELETE {}.vault.azure.net/secrets/{} -> 200",
        f"GET {graph}/applications(appId={{}}) -> 200 in a batch",
        f"GET {graph}/applications -> 200",
        f"GET {graph}/directory/deletedItems/{{}} -> 200",
        f"POST {graph}/applications/{{}}/removePassword -> 204",
        f"PATCH {graph}/oauth2PermissionGrants/{{}} -> 204",
        f"PATCH {graph}/applications(uniqueName={{}}) -> 204",
        f"POST {graph}/servicePrincipals -> 409",
        f"POST {graph}/applications/{{}}/addPassword -> 400",
        "GET api.codat.io/companies/{} -> 200",
        "GET api.businesscentral.dynamics.com/v2.0/{}/{}/api/v2.0/companies -> 401",
        "GET api.businesscentral.dynamics.com/admin/v2.29/environments/operations -> 403",
    ):
        assert request in known, f"{request}: {RENEW}"


def test_a_clean_rehearsal_refutes_nothing(tmp_path: Path) -> None:
    """Neither a fact nor an answer; and what is shipped knows every answer that is given."""
    entries = asyncio.run(clean_rehearsals(tmp_path))
    result = judge(entries, known_answers())
    assert [one for one in result.facts if one.verdict == "refuted"] == []
    assert [one for one in result.answers if one.verdict == "refuted"] == [], RENEW
    unmet = [one.request for one in result.answers if one.verdict == "not met"]
    # What is refused while something spreads depends on the moments in which somebody looks.
    assert [one for one in unmet if "-> 2" in one] == [], RENEW
    met = {one.fact for one in result.facts if one.verdict == "confirmed"}
    assert len(met) > 60
    shown = json.dumps([one.key for one in answers_of(filter(is_of_service, entries))])
    for host in ("graph", "login", "codat", "businesscentral", "vault", "management"):
        assert host in shown
