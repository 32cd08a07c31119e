"""Exchanges with Microsoft Graph and with Codat against their makers' own descriptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts"
OPENAPI = CONTRACTS / "graph.openapi.json"
CODAT_OPENAPI = CONTRACTS / "codat.openapi.json"


class _Request:
    """A request as openapi-core wants to see it."""

    def __init__(self, request: httpx.Request) -> None:
        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers

        url = request.url
        self.host_url = f"{url.scheme}://{url.host}"
        self.path = url.path
        self.path_pattern = url.path
        self.method = request.method.lower()
        headers = Headers(list(request.headers.items()))
        self.parameters = RequestParameters(query=dict(url.params), header=headers)
        self.content_type = "application/json"
        self.body = request.content


class _Response:
    def __init__(self, answer: httpx.Response) -> None:
        self.status_code = answer.status_code
        self.headers = answer.headers
        self.content_type = answer.headers.get("content-type", "").partition(";")[0]
        self.data = answer.content


class Description:
    """A service, as an OpenAPI description has it."""

    def __init__(self, data: dict[str, Any]) -> None:
        from openapi_core import OpenAPI

        self._openapi: Any = OpenAPI.from_dict(data)

    def check_answer(self, answer: httpx.Response) -> None:
        """Fail unless the answer is one that its request may get."""
        where = f"{answer.request.method} {answer.request.url.path}"
        if answer.status_code == 204:
            # The description promises a body for every success; HTTP rules it out for this one.
            assert answer.content == b"", where
            return
        try:
            self._openapi.validate_response(_Request(answer.request), _Response(answer))
        except Exception as problem:
            raise AssertionError(f"{where}: {answer.text[:500]}") from problem

    def check_request(self, request: httpx.Request) -> None:
        """Fail unless the request is one that the service understands."""
        where = f"{request.method} {request.url}"
        try:
            self._openapi.validate_request(_Request(request))
        except Exception as problem:
            raise AssertionError(f"{where}: {request.content[:500]!r}") from problem


def read_description() -> Description:
    """The one of Graph; a test that needs it is skipped where it is not at hand."""
    if not OPENAPI.exists():
        pytest.skip("the OpenAPI description of Microsoft Graph is not beside this repository")
    return Description(json.loads(OPENAPI.read_text("utf-8")))


def read_codat_description() -> Description:
    """The one of Codat, mended; a test that needs it is skipped where it is not at hand."""
    if not CODAT_OPENAPI.exists():
        pytest.skip("the OpenAPI description of Codat is not beside this repository")
    data = json.loads(CODAT_OPENAPI.read_text("utf-8"))
    # Its 204 refers to the answer for too many requests, by mistake.
    data["paths"]["/apiKeys/{apiKeyId}"]["delete"]["responses"]["204"].pop("$ref", None)
    mended: dict[str, Any] = _with_null(data)
    return Description(mended)


def _with_null(part: Any) -> Any:
    """The description says 3.1 and still writes `nullable`, as up to 3.0: say it as 3.1 does."""
    if isinstance(part, list):
        return [_with_null(one) for one in part]
    if not isinstance(part, dict):
        return part
    properties = {name: _with_null(value) for name, value in part.items()}
    if properties.pop("nullable", False) is not True:
        return properties
    return {"anyOf": [properties, {"type": "null"}]}
