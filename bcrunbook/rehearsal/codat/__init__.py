"""The stand-in for Codat: its instances, their integrations, companies and connections.

`api` is what programs call, `link` what a customer's browser comes by.
"""

from __future__ import annotations

from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler, Keeper

HOST = "api.codat.io"
LINK_HOST = "link-api.codat.io"
CALLBACK_HOST = "dynamics365businesscentral.codat.io"
"""Where Microsoft sends a customer back to after sign-in."""
HOSTS = (HOST, LINK_HOST, CALLBACK_HOST)


def keeper(cloud: Cloud) -> Keeper:
    """What keeps the answers of fault rules, as Codat keeps its own faults under their keys."""
    from bcrunbook.rehearsal.codat.api import keep_fault

    return lambda call, answer: keep_fault(cloud, call, answer)


def handler(cloud: Cloud) -> Handler:
    """The handler of Codat's hosts."""
    # Only here: sign-in needs the seed, and the seed needs the constants of this package.
    from bcrunbook.rehearsal.codat.api import handler as api_handler
    from bcrunbook.rehearsal.codat.link import handler as link_handler

    serve_api = api_handler(cloud)
    serve_link = link_handler(cloud)

    def handle(call: Call) -> Answer:
        return serve_api(call) if call.host == HOST else serve_link(call)

    return handle
