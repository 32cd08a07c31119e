"""Key Vault as somebody else's program uses it: Microsoft's own libraries, unmodified.

Run as a program, `sync` or `aio`. Where the network is, it knows from the environment alone
(HTTPS_PROXY and a CA bundle); vault and identity come on stdin. Prints what it saw, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncClient

EXPIRES = datetime(2031, 5, 1, tzinfo=UTC)
POLL = 0.05  # the library's own default is two seconds
DEADLINE = 20.0


def inner_code(error: HttpResponseError) -> str:
    """The code that tells one refusal from another of the same status."""
    return str(((error.error and error.error.innererror) or {}).get("code"))


def whole_life(client: SecretClient, prefix: str) -> dict[str, Any]:
    """A secret from its first version to its purge."""
    seen: dict[str, Any] = {}
    name = f"{prefix}-Books"
    first = client.set_secret(
        name, "first-value-7351", content_type="text", tags={"a": "b"}, expires_on=EXPIRES
    )
    second = client.set_secret(name.upper(), "second-value-7351")
    seen["id"], seen["version"] = first.id, first.properties.version
    seen["newest"] = client.get_secret(name.lower()).value
    old = client.get_secret(name, first.properties.version)
    seen["old"] = [old.value, old.properties.tags, old.properties.content_type]
    seen["expires"] = str(old.properties.expires_on)
    versions = client.list_properties_of_secret_versions(name)
    seen["versions"] = sorted(str(one.version) for one in versions) == sorted(
        str(one.properties.version) for one in (first, second)
    )
    for number in range(4):
        client.set_secret(f"{prefix}-{number}", f"numbered-value-{number}")
    pages = client.list_properties_of_secrets(max_page_size=2).by_page()
    sizes = [[one.name for one in page] for page in pages]
    seen["pages"] = max(map(len, sizes))
    seen["listed"] = sorted(
        str(one) for page in sizes for one in page if str(one).startswith(prefix)
    )
    client.update_secret_properties(name, enabled=False)
    try:
        client.get_secret(name)
    except HttpResponseError as error:
        seen["disabled"] = [error.status_code, inner_code(error)]
    client.update_secret_properties(name, enabled=True)
    client.begin_delete_secret(name, _polling_interval=POLL).wait()
    try:
        client.get_secret(name)
    except ResourceNotFoundError as error:
        seen["gone"] = error.error and error.error.code
    seen["deleted"] = name in [one.name for one in client.list_deleted_secrets()]
    try:
        client.set_secret(name, "third-value-7351")
    except ResourceExistsError as error:
        seen["conflict"] = inner_code(error)
    client.begin_recover_deleted_secret(name, _polling_interval=POLL).wait()
    seen["recovered"] = client.get_secret(name).value
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            client.set_secret(name, "third-value-7351")
            break
        except ResourceExistsError:
            assert time.monotonic() < deadline
            time.sleep(POLL)
    client.begin_delete_secret(name, _polling_interval=POLL).wait()
    client.purge_deleted_secret(name)
    try:
        client.get_deleted_secret(name)
    except ResourceNotFoundError as error:
        seen["purged"] = error.error and error.error.code
    return seen


async def short_life(client: AsyncClient, prefix: str) -> dict[str, Any]:
    """The asynchronous client: written, read, listed, deleted."""
    name = f"{prefix}-books"
    await client.set_secret(name, "only-value-8264")
    read = await client.get_secret(name)
    names = [one.name async for one in client.list_properties_of_secrets(max_page_size=1)]
    await client.delete_secret(name, _polling_interval=POLL)
    gone = await client.get_deleted_secret(name)
    return {"value": read.value, "listed": name in names, "deleted": gone.name == name}


async def _in_a_loop(given: Mapping[str, str]) -> dict[str, Any]:
    async with (
        AsyncCredential(given["tenant"], given["client_id"], given["client_secret"]) as credential,
        AsyncClient(given["vault"], credential) as client,
    ):
        return await short_life(client, given["prefix"])


def main() -> None:
    """Do it and print what was seen."""
    given: Mapping[str, str] = json.load(sys.stdin)
    if sys.argv[1] == "aio":
        print(json.dumps(asyncio.run(_in_a_loop(given))))
        return
    with (
        ClientSecretCredential(
            given["tenant"], given["client_id"], given["client_secret"]
        ) as credential,
        SecretClient(given["vault"], credential) as client,
    ):
        print(json.dumps(whole_life(client, given["prefix"])))


if __name__ == "__main__":
    main()
