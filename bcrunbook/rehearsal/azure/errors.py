"""Refusals as Azure Resource Manager words them."""

from __future__ import annotations

from bcrunbook.rehearsal.messages import Answer, json_answer


class AzureError(Exception):
    """One refusal."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        """The error envelope; with a 401 the challenge."""
        headers = {}
        if self.status == 401:
            headers["WWW-Authenticate"] = (
                'Bearer authorization_uri="https://login.windows.net/", '
                f'error="invalid_token", error_description="{self.message}"'
            )
        body = {"error": {"code": self.code, "message": self.message}}
        return json_answer(self.status, body, headers)


def missing_version() -> AzureError:
    """No version of the API is named."""
    return AzureError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def method_not_allowed(path: str, method: str) -> AzureError:
    """Only reading is possible here."""
    return AzureError(
        405,
        "HttpMethodNotAllowed",
        f"The request path '/{path}' does not support the method {method}.",
    )


def not_found(path: str) -> AzureError:
    """There is no such resource."""
    return AzureError(404, "InvalidResourceType", f"The resource '/{path}' could not be found.")
