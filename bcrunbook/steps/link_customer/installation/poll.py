"""What one look at a customer's installation saw: plain data that the ledger keeps.

Invariant: a part that could not be read is None, with the reason beside it, never empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

LINKED: Final = "Linked"
PENDING: Final = "PendingAuth"
DEAUTHORIZED: Final = "Deauthorized"
UNLINKED: Final = "Unlinked"
COMPLETE: Final = "Complete"
FETCH_ERROR: Final = "FetchError"
AUTH_ERROR: Final = "AuthError"
PASSED: Final = "passed"
"""What `probe` reads when data could be read."""


@dataclass(frozen=True)
class Trouble:
    """An entry of `dataConnectionErrors`, verbatim (contract C8.18)."""

    status_code: str
    status_text: str
    message: str
    at: datetime | None
    is_active: bool

    @property
    def text(self) -> str:
        """The entry on one line."""
        message = ": ".join(part for part in (self.status_text, self.message) if part)
        return f"{self.status_code} {message}".strip()


@dataclass(frozen=True)
class Package:
    """A row of `extensions` that is App Link (contract B7.2)."""

    app_id: str
    package_id: str
    version: tuple[int, ...]
    published_as: str
    is_installed: bool

    @property
    def version_text(self) -> str:
        """The version with dots."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True)
class DeploymentEvent:
    """A deployment of App Link, or an operation of the admin centre about it."""

    what: str
    status: str
    at: datetime | None
    detail: str = ""


@dataclass(frozen=True)
class Poll:
    """One look.

    Args:
        at: when, in UTC.
        elapsed: seconds of the cloud's time from the watch's beginning to this look at the
            extension.
        connection: Codat's status of the connection.
        errors: the connection's errors, in Codat's order.
        data: the status of the data type `company`; empty when it was never synced.
        synced: when that type was synced with success last.
        packages: App Link's rows; None when they could not be read.
        deployments: App Link's deployments since the watch began; None likewise.
        operations: operations about App Link since the watch began; None likewise.
        environment: the environment's name and status as far as known.
        probe: `passed` (once is enough while the extension is there), what failed, or empty when
            it was not tried.
        unknown: why something could not be read, by the part's name.
        hiccups: errors that pass by themselves while something is being installed.
    """

    at: datetime
    elapsed: float
    connection: str
    errors: tuple[Trouble, ...] = ()
    data: str = ""
    synced: datetime | None = None
    packages: tuple[Package, ...] | None = None
    deployments: tuple[DeploymentEvent, ...] | None = None
    operations: tuple[DeploymentEvent, ...] | None = None
    environment: str = ""
    probe: str = ""
    unknown: dict[str, str] = field(default_factory=dict)
    hiccups: tuple[str, ...] = ()

    @property
    def installed(self) -> Package | None:
        """The installed row with the highest version."""
        found = [one for one in self.packages or () if one.is_installed]
        return max(found, key=lambda one: one.version, default=None)

    @property
    def active_error(self) -> Trouble | None:
        """The newest error of the connection that is not over."""
        found = [one for one in self.errors if one.is_active]
        return max(found, key=lambda one: (one.at is not None, one.at), default=None)

    def as_dict(self) -> dict[str, Any]:
        """The poll as JSON data."""
        data: dict[str, Any] = _plain(self)
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """A poll as the ledger has it."""

        def events(name: str) -> tuple[DeploymentEvent, ...] | None:
            rows = data.get(name)
            if rows is None:
                return None
            return tuple(DeploymentEvent(**{**row, "at": _moment(row["at"])}) for row in rows)

        packages = data.get("packages")
        return cls(
            at=datetime.fromisoformat(data["at"]),
            elapsed=float(data["elapsed"]),
            connection=data["connection"],
            errors=tuple(
                Trouble(**{**row, "at": _moment(row["at"])}) for row in data.get("errors", ())
            ),
            data=data.get("data", ""),
            synced=_moment(data.get("synced")),
            packages=None
            if packages is None
            else tuple(Package(**{**row, "version": tuple(row["version"])}) for row in packages),
            deployments=events("deployments"),
            operations=events("operations"),
            environment=data.get("environment", ""),
            probe=data.get("probe", ""),
            unknown=dict(data.get("unknown", {})),
            hiccups=tuple(data.get("hiccups", ())),
        )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value
