"""Refusals as Codat words them.

Source: Codat's OpenAPI description (ErrorMessage and the examples of its responses). The status
within the body differs from that of the answer for some, as it does there: 429 in a 402, 400 in a
409. `canBeRetried` is "Unknown" in every documented answer, so it is here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from bcrunbook.rehearsal.messages import Answer, json_answer

PUBLIC: Final = "PublicApi"
CLIENTS: Final = "ClientsApi"
PULL: Final = "PullApi"

STATUS_WITHIN: Final = {402: 429, 409: 400}


class CodatError(Exception):
    """One refusal."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        service: str = PUBLIC,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.service = service
        self.headers = headers or {}

    def answer(self) -> Answer:
        """The error envelope; the correlation id is new with each answer."""
        body = {
            "statusCode": STATUS_WITHIN.get(self.status, self.status),
            "service": self.service,
            "error": self.error,
            "correlationId": secrets.token_hex(16),
            "canBeRetried": "Unknown",
            "detailedErrorCode": 0,
        }
        return json_answer(self.status, body, self.headers)


def bad_request(error: str, *, service: str = PUBLIC) -> CodatError:
    """The request is wrong."""
    return CodatError(400, error, service=service)


def unauthorized() -> CodatError:
    """There is no API key, or none that is known."""
    return CodatError(401, "Unauthorized")


def plan_limit(error: str) -> CodatError:
    """The plan of the instance does not include this."""
    return CodatError(402, error)


def foreign_key() -> CodatError:
    """The key is a good one, of another instance than the object."""
    return CodatError(
        403, "You are using an outdated API key or a key not associated with that resource."
    )


def not_found(error: str = "NotFound", *, service: str = PUBLIC) -> CodatError:
    """There is no such address or object."""
    return CodatError(404, error, service=service)


def company_not_found(company: str) -> CodatError:
    """There is no such company in any instance."""
    return not_found(f"No company was found with ID {company}", service=CLIENTS)


def connection_not_found(connection: str) -> CodatError:
    """The company has no such connection."""
    return not_found(f"Data connection {connection} not found")


def method_not_allowed() -> CodatError:
    """The address is right and the method is not (undocumented)."""
    return CodatError(405, "MethodNotAllowed")
