"""Refusals as Key Vault words them: `{"error": {"code", "message", "innererror": {"code"}}}`.

Sources: Key Vault docs, "Authentication, requests and responses" and "REST API error codes";
answers of the real service that are quoted in public issue reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bcrunbook.rehearsal.messages import Answer, json_answer


class VaultError(Exception):
    """One refusal."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self.headers = headers or {}

    def answer(self) -> Answer:
        """The error envelope."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return json_answer(self.status, {"error": error}, self.headers)


def bad_parameter(message: str) -> VaultError:
    """The request is wrong."""
    return VaultError(400, "BadParameter", message)


def not_allowed(method: str, parts: Sequence[str]) -> VaultError:
    """There is no such operation."""
    operation = parts[2] if len(parts) > 2 else ""
    return bad_parameter(f"Method {method} does not allow operation '{operation}'")


def unauthorized(message: str, tenant: str) -> VaultError:
    """The token is missing or no good here; the challenge tells what would be."""
    challenge = (
        f'Bearer authorization="https://login.microsoftonline.com/{tenant}", '
        'resource="https://vault.azure.net"'
    )
    return VaultError(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})


def not_found(name: str) -> VaultError:
    """There is no such secret, or it has been deleted."""
    return VaultError(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted "
        "this secret you may be able to recover it using the correct recovery command. For help "
        "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def deleted_not_found(name: str) -> VaultError:
    """There is no deleted secret of this name, or its deletion is still going on."""
    return VaultError(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def disabled(operation: str) -> VaultError:
    """The secret is there and not to be used."""
    return VaultError(
        403,
        "Forbidden",
        f"Operation {operation} is not allowed on a disabled secret.",
        inner="SecretDisabled",
    )


def disallowed(name: str, policy: str) -> VaultError:
    """A policy of Azure in Deny mode says no; field reports quote the sentence with its name."""
    return VaultError(
        403,
        "Forbidden",
        f"Secret '{name}' was disallowed by policy. Policy assignment: 'Enforce-GR-KeyVault', "
        f"policy definition: '{policy}'.",
        inner="ForbiddenByGovernancePolicy",
    )


def recoverable(name: str) -> VaultError:
    """The name belongs to a deleted secret."""
    return VaultError(
        409,
        "Conflict",
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be "
        "reused; in this state, the secret can only be recovered or purged.",
        inner="ObjectIsDeletedButRecoverable",
    )


def being_deleted(name: str) -> VaultError:
    """The deletion is going on."""
    return VaultError(
        409,
        "Conflict",
        f"Secret {name} is currently being deleted and cannot be re-created; retry later.",
        inner="ObjectIsBeingDeleted",
    )


def still_being_deleted(name: str) -> VaultError:
    """The same, said to who wants the deleted secret rather than its name (contract G23.11)."""
    return VaultError(
        409, "Conflict", f"Secret {name} is currently being deleted.", inner="ObjectIsBeingDeleted"
    )


def not_deleted(name: str) -> VaultError:
    """Nothing to recover: the secret is there."""
    return VaultError(
        400,
        "MethodNotAllowed",
        f"Secret exists already: {name}",
        inner="RequestNotAllowedOnNonDeletedObject",
    )


def being_recovered(name: str) -> VaultError:
    """The recovery is going on."""
    return VaultError(
        409,
        "Conflict",
        f"Secret {name} is currently being recovered and cannot be re-created; retry later.",
        inner="ObjectIsBeingRecovered",
    )
