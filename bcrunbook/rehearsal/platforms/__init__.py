"""The stand-ins for what gives jobs and machines a token: GitHub, Azure Pipelines, GitLab, Azure.

Entra takes such a token for an application's proof of itself, where a federated credential of the
application says so.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer
from bcrunbook.rehearsal.platforms.routes import MACHINE, ROUTERS

_BY_HOST: Final = {urlsplit(one.base).netloc: one for one in ROUTERS}
HOSTS: Final = tuple(_BY_HOST)


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of the platforms' hosts."""

    def handle(call: Call) -> Answer:
        router = _BY_HOST[call.host]
        base, path = urlsplit(router.base).path, call.path
        parts = [unquote(one) for one in path.removeprefix(base).strip("/").split("/")]
        match = router.find(parts) if path.startswith(base) else None
        if match is None:
            return json_answer(404, {"message": "There is nothing here."})
        serve = match.handler(call.method)
        if serve is None:
            return json_answer(405, {"message": f"{call.method} is not for this address."})
        return serve(cloud, call, *match.params.values())

    return handle


def machine_handler(cloud: RehearsalCloud) -> Handler:
    """The handler of what an Azure machine asks on the pages server."""

    def handle(call: Call) -> Answer:
        match = MACHINE.find([unquote(one) for one in call.path.strip("/").split("/")])
        serve = match.handler(call.method) if match else None
        if serve is None:
            return json_answer(404, {"error": "not_found"})
        return serve(cloud, call)

    return handle
