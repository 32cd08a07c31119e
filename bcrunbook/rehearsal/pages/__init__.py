"""The pages server: where a browser on this machine finds what people have to click.

A browser does not go through the proxy, so the sign-in, consent and device pages, the portal and
the pages behind a link are here over plain http on loopback, below the name of the host they belong
to. Where one of these hosts sends a browser to another by its real name, it stays here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from bcrunbook.rehearsal import entra, platforms, portal
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import link
from bcrunbook.rehearsal.codat.world import CALLBACK_HOST, LINK_HOST
from bcrunbook.rehearsal.entra.pages import LOGIN_HOST, message_page
from bcrunbook.rehearsal.messages import Answer, Call, Handler
from bcrunbook.rehearsal.pages.routes import ROUTER
from bcrunbook.rehearsal.platforms.routes import VIRTUAL_MACHINE

HOST: Final = "pages"
"""Under which name requests to the pages server are logged and matched by fault rules."""

LINK_HOSTS: Final = (LINK_HOST, CALLBACK_HOST)
NEIGHBOURS: Final = (LOGIN_HOST, *LINK_HOSTS)
"""The hosts among which a browser is sent to and fro while somebody links."""


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the pages server."""
    sign_in = entra.browser_handler(cloud)
    codat_link = link.handler(cloud)
    codat_portal = portal.handler(cloud)
    machine = platforms.machine_handler(cloud)

    def handle(call: Call) -> Answer:
        first = call.path.strip("/").partition("/")[0].lower()
        if first in (LOGIN_HOST, "devicelogin"):
            return _kept_here(sign_in(call))
        if first in LINK_HOSTS:
            path = call.path[len(first) + 1 :]
            return _kept_here(codat_link(replace(call, host=first, path=path)))
        if first == portal.HOST:
            return codat_portal(call)
        if first in (VIRTUAL_MACHINE, "msi"):
            return machine(call)
        match = ROUTER.find([part for part in call.path.split("/") if part])
        show = match.handler("GET" if call.method == "HEAD" else call.method) if match else None
        if show is not None:
            return show()
        return message_page("Not found", "There is no such page here.", status=404, problem=True)

    return handle


def _kept_here(answer: Answer) -> Answer:
    """The answer; if it sends the browser to a neighbour, then to where that is found here."""
    target = urlsplit(answer.headers.get("Location", ""))
    if target.scheme != "https" or target.netloc not in NEIGHBOURS:
        return answer
    here = target._replace(scheme="", netloc="", path=f"/{target.netloc}{target.path}")
    return replace(answer, headers={**answer.headers, "Location": here.geturl()})
