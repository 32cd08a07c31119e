"""Refusals as Microsoft Graph words them.

Source: Graph docs, "Microsoft Graph error responses and resource types".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bcrunbook.rehearsal.messages import Answer, json_answer

INVALID_TOKEN_CHALLENGE: Final = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
    ', client_id="00000003-0000-0000-c000-000000000000"'
)

ERROR_TYPE: Final = "application/json"
"""Unlike all other answers, refusals name no charset (contract G11.9)."""


class GraphError(Exception):
    """One refusal."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        inner: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers or {}
        self.inner = inner or {}

    def answer(self, request_id: str, client_request_id: str) -> Answer:
        """The error envelope."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        error["innerError"] = {
            **self.inner,
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        headers = {"Content-Type": ERROR_TYPE, **self.headers}
        return json_answer(self.status, {"error": error}, headers)


def bad_request(message: str, *, target: str | None = None, code: str = "Generic") -> GraphError:
    """The request is wrong; `target` names the property that is."""
    details = [{"code": code, "message": message, "target": target}] if target else []
    return GraphError(400, "Request_BadRequest", message, details=details)


def malformed(message: str) -> GraphError:
    """The request could not be read as OData at all."""
    return GraphError(400, "BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """A query that needs the advanced query capabilities, or that nothing can answer."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def denied(message: str = "Insufficient privileges to complete the operation.") -> GraphError:
    """The caller may not."""
    return GraphError(403, "Authorization_RequestDenied", message)


def not_found(name: str) -> GraphError:
    """The object is not there, or not yet."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are "
        "not present.",
    )


def method_not_allowed() -> GraphError:
    """The address is right and the method is not."""
    return GraphError(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
    )


def conflict(code: str, message: str) -> GraphError:
    """Something else is in the way."""
    return GraphError(409, code, message)


def unauthenticated(message: str) -> GraphError:
    """The token is missing or no good."""
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={"WWW-Authenticate": INVALID_TOKEN_CHALLENGE},
    )
