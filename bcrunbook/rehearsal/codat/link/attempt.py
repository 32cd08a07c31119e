"""One connection that somebody tries to link: what is kept when it works, and when it does not.

How Codat words the errors of a failed attempt is undocumented.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.businesscentral.installation import Progress
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import linking, pulls, world
from bcrunbook.rehearsal.codat.integrations import IntegrationSettings, settings_of
from bcrunbook.rehearsal.codat.link import visits
from bcrunbook.rehearsal.codat.link.pages import message_page
from bcrunbook.rehearsal.codat.link.visits import Visit
from bcrunbook.rehearsal.codat.linking import Destination
from bcrunbook.rehearsal.codat.records import CONNECTION, LINKED, owner_of, put_connection
from bcrunbook.rehearsal.messages import Answer
from bcrunbook.rehearsal.state import Document

ACCOUNTING: Final = "Accounting"


class Refused(Exception):
    """An attempt to link failed; the texts are those of the connection's error."""

    def __init__(self, status_code: str, status_text: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.status_text = status_text
        self.message = message


class Attempt:
    """One connection, as it stands now.

    Args:
        cloud: the rehearsal cloud.
        company: Codat's id of the company.
        connection: Codat's id of the connection.

    Raises:
        LookupError: there is no such connection.
    """

    def __init__(self, cloud: RehearsalCloud, company: str, connection: str) -> None:
        owner = owner_of(cloud, company)
        document = cloud.store.latest(CONNECTION, company, connection)
        if owner is None or document is None:
            raise LookupError(connection)
        self.cloud = cloud
        self.instance = owner
        self.company = company
        self.connection = connection
        self.document: Document = linking.settled(cloud, company, connection, document)
        self.platform = world.PLATFORMS[document["platform"]]

    @property
    def settings(self) -> IntegrationSettings:
        """What the instance has set up for the platform."""
        return settings_of(self.cloud, self.instance, self.platform)

    @property
    def is_linked(self) -> bool:
        """Whether the connection is Linked."""
        return bool(self.document["status"] == LINKED)

    def begin_visit(self) -> str:
        """A token for somebody who has come by the link."""
        return visits.begin(self.cloud, Visit(self.company, self.connection))

    def visit(self, token: str) -> Visit:
        """The visit that a token is good for.

        Raises:
            LookupError: the visit is unknown, over, or another connection's.
        """
        found = visits.find(self.cloud, token)
        if found is None or (found.company, found.connection) != (self.company, self.connection):
            raise LookupError("visit")
        return found

    def demand_only_one(self) -> None:
        """Refuse a second accounting connection.

        A company has one active accounting connection (Codat's description, Connection); how a
        second one is refused is undocumented.
        """
        if self.platform.source_type != ACCOUNTING:
            return
        for connection, document in linking.settled_connections(self.cloud, self.company):
            is_active = document["status"] == LINKED or linking.is_coming(document)
            source_type = world.PLATFORMS[document["platform"]].source_type
            if connection != self.connection and is_active and source_type == ACCOUNTING:
                raise Refused("409", "Conflict", "Another accounting connection is linked.")

    def succeed(self) -> None:
        """The connection is Linked at once, and the first sync starts."""
        self._link(pulls.Request(self.cloud.clock.now()))

    def go_on(self, destination: Destination, progress: Progress) -> None:
        """The extension's installation is under way, or was done before.

        Linked when it has come far enough, which may be now.
        """
        self._put(linking.begun(self.document, destination, progress))
        if progress.is_linked or progress.state == linking.INSTALLED:
            self._link(linking.asked_by_link(self.cloud, self.document))

    def leave(self) -> None:
        """The customer has gone before the connection was Linked."""
        self._put(linking.left(self.document))

    def fail(self, problem: Refused) -> Answer:
        """The connection stays as it is, with one error more, and a page says why."""
        error = linking.error_of(
            self.cloud, problem.status_code, problem.status_text, problem.message
        )
        self._put({**self.document, "errors": [*self.document["errors"], error]})
        text = f"{self.platform.name} could not be connected. {problem.message}"
        return message_page("Not connected", text, status=400, problem=True)

    def _link(self, asked: pulls.Request) -> None:
        self.document = linking.link(
            self.cloud, self.company, self.connection, self.document, asked
        )

    def _put(self, document: Document) -> None:
        put_connection(self.cloud, self.instance, self.company, self.connection, document)
        self.document = document
