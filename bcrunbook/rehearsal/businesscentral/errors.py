"""Refusals of Business Central's APIs, in their two envelopes.

Source: contract B11.1 and B11.3: business and automation wrap the error and end the
text with a correlation id; the admin centre does neither.
"""

from __future__ import annotations

import uuid

from bcrunbook.rehearsal.messages import Answer, Call, json_answer


class BusinessCentralError(Exception):
    """A call that is refused.

    Args:
        status: the HTTP status.
        code: the error's code.
        message: its text, without the correlation id.
        headers: further headers.
        data: what the admin centre adds about the refusal.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        data: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.data = data

    def answer(self, *, is_wrapped: bool) -> Answer:
        """The answer, in the envelope of the API that was called."""
        if not is_wrapped:
            body: dict[str, object] = {"code": self.code, "message": self.message}
            if self.data is not None:
                body["data"] = self.data
            return json_answer(self.status, body, self.headers)
        correlation = str(uuid.uuid4())
        text = f"{self.message}  CorrelationId:  {correlation}."
        return json_answer(
            self.status,
            {"error": {"code": self.code, "message": text}},
            {"ms-correlation-x": correlation, **self.headers},
        )


def unauthenticated() -> BusinessCentralError:
    """Whoever calls is not known here."""
    return BusinessCentralError(
        401,
        "Authentication_InvalidCredentials",
        "The server has rejected the client credentials.",
    )


def no_environment() -> BusinessCentralError:
    """The environment's name is unknown to the tenant."""
    return BusinessCentralError(404, "NoEnvironment", "Environment does not exist.")


def no_route(call: Call) -> BusinessCentralError:
    """The address names nothing."""
    return BusinessCentralError(
        404,
        "BadRequest_NotFound",
        "No HTTP resource was found that matches the request URI"
        f" 'https://{call.host}{call.path}'.",
    )


def forbidden(what: str) -> BusinessCentralError:
    """A token of an application without the permission."""
    return BusinessCentralError(403, "Authorization_RequestDenied", f"No permission for {what}.")


def dialog(text: str) -> BusinessCentralError:
    """AL said no."""
    return BusinessCentralError(400, "Application_DialogException", text)


def not_allowed(method: str) -> BusinessCentralError:
    """The method does not exist there."""
    return BusinessCentralError(
        405, "BadRequest_MethodNotAllowed", f"The method '{method}' is not allowed."
    )


def no_entity(name: str) -> BusinessCentralError:
    """The API has no such collection or record."""
    return BusinessCentralError(
        404, "BadRequest_ResourceNotFound", f"Resource not found for the segment '{name}'."
    )


def invalid(text: str, data: dict[str, object] | None = None) -> BusinessCentralError:
    """The admin centre says no to what it is asked to do."""
    return BusinessCentralError(
        400, "EntityValidationFailed", f"Entity validation failed: {text}", data=data
    )
