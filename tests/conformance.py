"""Exchanges with Microsoft Graph against Microsoft's own description of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "shared" / "contracts"
OPENAPI = CONTRACTS / "graph.openapi.json"


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
    """Microsoft's description of Graph."""

    def __init__(self, text: str) -> None:
        from openapi_core import OpenAPI

        self._openapi: Any = OpenAPI.from_dict(json.loads(text))

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
        """Fail unless the request is one that Graph understands."""
        where = f"{request.method} {request.url}"
        try:
            self._openapi.validate_request(_Request(request))
        except Exception as problem:
            raise AssertionError(f"{where}: {request.content[:500]!r}") from problem


def read_description() -> Description:
    """The description; a test that needs it is skipped where it is not at hand."""
    if not OPENAPI.exists():
        pytest.skip("the OpenAPI description of Microsoft Graph is not beside this repository")
    return Description(OPENAPI.read_text("utf-8"))
