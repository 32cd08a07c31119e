"""The few fields of Codat's objects that the runbook reads; all else is ignored.

Enumerations are plain texts: Codat adds values, and one that is new must not break a run (contract
C2.18).

Source: Codat Platform API, schemas Integration, Company, Connection, DataStatus, PullOperation and
Profile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from bcrunbook.services.wire import WireObject


def _utc(moment: datetime) -> datetime:
    # Codat's dates are UTC, and sometimes do not say so.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]


class Profile(WireObject):
    """The instance that an API key belongs to."""

    name: str


class Integration(WireObject):
    """A platform as this instance has it. `enabled` tells the toggle, nothing of its keys."""

    key: str
    name: str
    enabled: bool
    integration_id: str = ""


class LinkError(WireObject):
    """Why an attempt to link, or a connection, failed, in the platform's own words."""

    status_code: str = ""
    status_text: str = ""
    error_message: str = ""
    errored_on_utc: Moment | None = None
    status: str | None = None


class Connection(WireObject):
    """A company's connection to one platform. `link_url` may work only once: never written.

    Which platform that is, `platform_name` and `integration_id` tell as well where there is no
    `integration_key`, which an answer may leave out (contract C8.3).
    """

    id: str
    status: str
    integration_key: str = ""
    integration_id: str = ""
    platform_name: str = ""
    link_url: str = Field(repr=False)
    created: Moment
    data_connection_errors: tuple[LinkError, ...] | None = None


class Company(WireObject):
    """A customer's company; its own link, which may work only once, is not read."""

    id: str
    name: str
    description: str | None = None
    tags: dict[str, str] | None = None
    created: Moment | None = None
    data_connections: tuple[Connection, ...] = ()


class DataStatus(WireObject):
    """How one data type of a company stands; without a status it was never synced."""

    data_type: str
    current_status: str = ""
    last_successful_sync: Moment | None = None


class PullOperation(WireObject):
    """One fetch of one data type."""

    id: str
    data_type: str
    status: str
    error_message: str | None = None
