"""What the runbook reads of Business Central; all else is ignored.

Enumerations are plain texts, decoded and trimmed: blank members come as a blank or `_x0020_`, and
letter case differs between documentation and service. Texts from outside stay as they are, and are
escaped where they are shown.

Source: contract B3, B4, B7 and B9.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from bcrunbook.services.wire import WireObject

_CODE: Final = re.compile(r'"code"\s*:\s*"([A-Za-z][A-Za-z0-9_.]{0,79})"')


_RENAMING: Final = "environmentrename"
_SUCCEEDED: Final = "succeeded"


def decoded(value: Any) -> Any:
    """A text of the wire without `_x0020_` and blanks around it; None as an empty text."""
    if value is None:
        return ""
    return value.replace("_x0020_", " ").strip() if isinstance(value, str) else value


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _dated(value: Any) -> datetime | None:
    # An empty text, and the year 1, stand for no date; what is none is no reason to stop.
    if not value or str(value).startswith("0001-"):
        return None
    try:
        return _DATETIME.validate_python(value)
    except ValidationError:
        return None


def _number(value: Any) -> Any:
    return 0 if value is None else value


_DATETIME: Final = TypeAdapter(datetime)
Number = Annotated[int, BeforeValidator(_number)]
Text = Annotated[str, BeforeValidator(decoded)]
Moment = Annotated[datetime | None, BeforeValidator(_dated), AfterValidator(_utc)]


class Environment(WireObject):
    """An environment; `status` and `version` only where the admin centre tells."""

    name: str
    type: Text = ""
    status: Text = ""
    version: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _find_version(cls, row: Any) -> Any:
        """Newer admin APIs keep the version in `versionDetails` (contract B4.4)."""
        if not isinstance(row, dict) or "version" in row:
            return row
        details = row.get("versionDetails")
        version = details.get("version") if isinstance(details, dict) else ""
        return {**row, "version": version or row.get("applicationVersion")}


class Operation(WireObject):
    """An operation of the admin centre's log."""

    id: str
    type: Text = ""
    status: Text = ""
    created_on: Moment = None
    error_message: str | None = Field(default=None, repr=False)
    parameters: dict[str, Any] = Field(default_factory=dict)
    own_app_id: Text = Field(default="", validation_alias=AliasChoices("appId", "own_app_id"))
    own_environment: Text = Field(
        default="", validation_alias=AliasChoices("environmentName", "own_environment")
    )

    @field_validator("parameters", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {}

    @property
    def app_id(self) -> str:
        """The app it is about; empty for an operation of the environment."""
        return str(self.parameters.get("appId") or self.own_app_id or "")

    @property
    def environment(self) -> str:
        """The environment's name at that time: in either of two places (contract B9.18)."""
        return self._named("environmentName") or self.own_environment

    @property
    def renamed_from(self) -> str:
        """The name that the environment gave up; empty for any other operation."""
        if self.type.lower() != _RENAMING or self.status.lower() != _SUCCEEDED:
            return ""
        return self._named("oldEnvironmentName")

    @property
    def renamed_to(self) -> str:
        """The name that the environment got."""
        return self._named("newEnvironmentName")

    def _named(self, parameter: str) -> str:
        return str(decoded(self.parameters.get(parameter)))

    @property
    def error_codes(self) -> tuple[str, ...]:
        """The codes in the error's text, which is prose in the environment's language."""
        return tuple(dict.fromkeys(_CODE.findall(self.error_message or "")))


class BusinessCentralCompany(WireObject):
    """A company of an environment."""

    id: str
    name: str
    display_name: Text = ""


class Extension(WireObject):
    """A package that is installed, or published for the tenant."""

    id: str
    package_id: str
    display_name: Text = ""
    publisher: Text = ""
    version_major: Number = 0
    version_minor: Number = 0
    version_build: Number = 0
    version_revision: Number = 0
    is_installed: bool = False
    published_as: Text = ""

    @property
    def version(self) -> tuple[int, int, int, int]:
        """The version, to be compared."""
        return (
            self.version_major,
            self.version_minor,
            self.version_build,
            self.version_revision,
        )


class Deployment(WireObject):
    """A row of the deployment status: one poll behind, without app id or reason."""

    name: Text = ""
    publisher: Text = ""
    status: Text = ""
    started_on: Moment = None


class Probe(WireObject):
    """Whether data can be read.

    Args:
        failed: the part that could not be read, and why; empty when all could.
        empty: parts that can be read and hold nothing.
    """

    failed: str = ""
    empty: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """`passed`, or what failed."""
        return self.failed or "passed"
