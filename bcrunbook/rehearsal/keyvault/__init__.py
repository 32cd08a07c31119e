"""The stand-in for Azure Key Vault: secrets with versions, soft delete, and who may."""

from __future__ import annotations

from bcrunbook.rehearsal.cloud import Cloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler, json_answer

VAULTS = ("millrace-trial-kv", "millrace-kv")
HOSTS = tuple(f"{name}.vault.azure.net" for name in VAULTS)


def handler(cloud: Cloud) -> Handler:
    """The handler of the vaults."""

    def handle(call: Call) -> Answer:
        return json_answer(404, {})

    return handle
