"""Sign-in errors as Entra words them: an OAuth error, an AADSTS number, ids for support.

Source: Entra docs, "Microsoft Entra authentication and authorization error codes".
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from bcrunbook.rehearsal.messages import Answer, Call, json_answer

ERROR_PAGE: Final = "https://login.microsoftonline.com/error?code="


class SignInError(Exception):
    """A refusal: AADSTS number, OAuth error code, message, and for some a suberror."""

    def __init__(
        self,
        code: int,
        error: str,
        message: str,
        *,
        status: int | None = None,
        suberror: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.message = message
        self.suberror = suberror
        self.status = status or (401 if error == "invalid_client" else 400)


def correlation_id(call: Call) -> str:
    """The caller's own id for the request, or a new one."""
    given = call.header("client-request-id") or call.params.get("client-request-id", "")
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid4())


def described(problem: SignInError, correlation: str) -> dict[str, Any]:
    """The error as the body of a token answer."""
    trace = str(uuid.uuid4())
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body: dict[str, Any] = {
        "error": problem.error,
        "error_description": (
            f"AADSTS{problem.code}: {problem.message} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {now}"
        ),
        "error_codes": [problem.code],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{ERROR_PAGE}{problem.code}",
    }
    if problem.suberror:
        body["suberror"] = problem.suberror
    return body


def error_answer(call: Call, problem: SignInError) -> Answer:
    """The error as an answer to a program."""
    return json_answer(problem.status, described(problem, correlation_id(call)))


def no_tenant_name(name: str) -> SignInError:
    """What is neither an id nor a domain (contract G21.6)."""
    return SignInError(
        900023,
        "invalid_request",
        f"Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid external "
        "domain.",
    )


def unknown_tenant(name: str) -> SignInError:
    """No directory goes by that id or domain."""
    return SignInError(
        90002,
        "invalid_request",
        f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
    )


def unknown_client(app_id: str, directory: str) -> SignInError:
    """The application is not in that directory, or not yet."""
    return SignInError(
        700016,
        "unauthorized_client",
        f"Application with identifier '{app_id}' was not found in the directory '{directory}'. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You may have sent your authentication "
        "request to the wrong tenant.",
    )


def missing(parameter: str) -> SignInError:
    """A parameter that the protocol demands is not there."""
    return SignInError(
        900144,
        "invalid_request",
        f"The request body must contain the following parameter: '{parameter}'.",
    )
