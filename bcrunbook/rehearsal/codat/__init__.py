"""The stand-in for Codat: its instances, their integrations, companies and connections."""

from __future__ import annotations

from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer

HOST = "api.codat.io"
HOSTS = (HOST,)


def handler(cloud: Cloud) -> Handler:
    """The handler of api.codat.io."""

    def handle(call: Call) -> Answer:
        return json_answer(404, {})

    return handle
