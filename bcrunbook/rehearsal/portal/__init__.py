"""The stand-in for the Codat Portal: web pages on which a person sets an integration up."""

from __future__ import annotations

from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.codat.world import PORTAL_HOST
from bcrunbook.rehearsal.entra.pages import message_page
from bcrunbook.rehearsal.messages import Answer, Call, Handler

HOST = PORTAL_HOST


def handler(cloud: Cloud) -> Handler:
    """The handler of the portal's pages, which lie below `/app.codat.io` of the pages server."""

    def handle(call: Call) -> Answer:
        return message_page("Not found", "There is no such page here.", status=404, problem=True)

    return handle
