"""Small ways to talk to the rehearsal cloud's Codat, for the tests in this folder."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import httpx

from bcrunbook.rehearsal import RehearsalDescription
from tests.rehearsal.support import wait_for

API = "https://api.codat.io"
SANDBOX = "mqjo"
BUSINESS_CENTRAL_PLATFORM = "trji"
NOBODY = "00000000-0000-4000-8000-000000000000"
ENVELOPE = {
    "statusCode",
    "service",
    "error",
    "correlationId",
    "canBeRetried",
    "detailedErrorCode",
}


def basic(key: str) -> str:
    """The header's value for an API key: the key alone is encoded."""
    return f"Basic {base64.b64encode(key.encode()).decode()}"


def key_of(description: RehearsalDescription, instance: str) -> str:
    """The API key of an instance, by its name."""
    found = {one["name"]: one["api_key"] for one in description.codat["instances"]}
    return str(found[instance])


class Codat:
    """Codat's API with a key."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self.http = http
        self.key = key

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask with the key; a path is one of the API."""
        return self.http.request(
            method,
            path if path.startswith("https:") else f"{API}{path}",
            headers={"Authorization": basic(self.key), **(headers or {})},
            **({} if body is None else {"json": body}),
        )

    def company(self, **fields: Any) -> dict[str, Any]:
        """A new company."""
        made = self("POST", "/companies", {"name": f"Company {uuid.uuid4().hex[:8]}", **fields})
        assert made.status_code == 200, made.text
        return dict(made.json())

    def connection(self, company: str, platform: str = SANDBOX) -> dict[str, Any]:
        """A new connection."""
        path = f"/companies/{company}/connections"
        made = self("POST", path, {"platformKey": platform})
        assert made.status_code == 200, made.text
        return dict(made.json())

    def linked(self) -> tuple[str, str]:
        """The ids of a new company and of its connection, which is linked."""
        company = str(self.company()["id"])
        connection = self.connection(company)
        assert self.http.get(connection["linkUrl"]).status_code == 200
        return company, str(connection["id"])

    def settled(self, company: str) -> list[dict[str, Any]]:
        """The pulls of a company once all are complete."""
        path = f"/companies/{company}/data/history?page=1"

        def check() -> list[dict[str, Any]] | None:
            results: list[dict[str, Any]] = self("GET", path).json()["results"]
            return results if all(one["isCompleted"] for one in results) else None

        return list(wait_for(check))


def check_refusal(answer: httpx.Response, status: int, error: str, *, within: int = 0) -> None:
    """Fail unless the answer is a refusal as Codat words them."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == ENVELOPE
    assert body["statusCode"] == (within or status)
    assert error in body["error"]
    assert len(bytes.fromhex(body["correlationId"])) == 16
    assert (body["canBeRetried"], body["detailedErrorCode"]) == ("Unknown", 0)
