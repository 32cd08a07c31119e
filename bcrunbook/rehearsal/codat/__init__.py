"""The stand-in for Codat: its instances, their integrations, companies and connections.

`api` is what programs call, `link` what a customer's browser comes by.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import api, link
from bcrunbook.rehearsal.codat.world import API_HOST, CALLBACK_HOST, LINK_HOST
from bcrunbook.rehearsal.messages import Answer, Call, Handler, Keeper

HOSTS: Final = (API_HOST, LINK_HOST, CALLBACK_HOST)


def keeper(cloud: RehearsalCloud) -> Keeper:
    """What keeps the answers of fault rules, as Codat keeps its own faults under their keys."""
    return lambda call, answer: api.keep_fault(cloud, call, answer)


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of Codat's hosts."""
    serve_api = api.handler(cloud)
    serve_link = link.handler(cloud)

    def handle(call: Call) -> Answer:
        return serve_api(call) if call.host == API_HOST else serve_link(call)

    return handle
