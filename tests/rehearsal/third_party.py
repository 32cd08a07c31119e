"""The setup as somebody else's program does it: msgraph-core and azure-identity, unmodified.

Run as a program. Where the network is, it knows from the environment alone (HTTPS_PROXY and a CA
bundle); tenant, identity and what it repeats come on stdin. It imports nothing of this package but
the journey.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from azure.identity import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph_core import AzureIdentityAuthenticationProvider, BaseGraphRequestAdapter

from tests.rehearsal.journey import BASE, Answer, set_up

HOST = "graph.microsoft.com"
SCOPE = "https://graph.microsoft.com/.default"


def main() -> None:
    """Go the whole way and print what was made, without the secret."""
    identity: Mapping[str, Any] = json.load(sys.stdin)
    with (
        asyncio.Runner() as runner,
        ClientSecretCredential(
            identity["tenant"], identity["client_id"], identity["client_secret"]
        ) as credential,
    ):
        adapter = BaseGraphRequestAdapter(
            AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=[HOST])
        )

        async def send(method: str, path: str, body: Any) -> Answer:
            request = RequestInformation()
            request.http_method, request.url = Method[method], BASE + path
            request.headers.add("Accept", "application/json")
            if body is not None:
                request.set_stream_content(json.dumps(body).encode(), "application/json")
            try:
                content = await adapter.send_primitive_async(request, "bytes", {})
            except APIError as error:
                return error.response_status_code or 0, {}
            return 200, json.loads(content) if isinstance(content, bytes) and content else {}

        made = set_up(lambda *call: runner.run(send(*call)), identity["retried"])
        runner.run(adapter._http_client.aclose())
    print(json.dumps(made))


if __name__ == "__main__":
    main()
