#!/usr/bin/env bash
# msgraph-core 1.5.2 (Python): a batch loses the order that it was given, and the names of its parts.
#
# Microsoft Graph carries out the parts of a batch in any order, unless a part names in `dependsOn` the
# ids of those that have to go before it. `BatchRequestItem(..., depends_on=[...])` sends that list as
# `depends_on`, which is no key of Graph's: the part goes out as one that depends on nothing, and what
# was meant to come first may come last, or fail without stopping the rest.
#
# `BatchRequestContent.add_request_information(request, "mine")`, and the same ids as keys of the
# constructor's dictionary, take a name for the part. It is not used: the part gets an id drawn at
# random, so that `get_response_by_id("mine")` finds nothing in the answer, and raises nothing either.
#
# Nothing is sent: an HTTP transport inside the process takes the batch and answers each part. The package
# `deprecated` is installed beside it, as the module of batches imports it and msgraph-core asks for it
# as little as msgraph-sdk 1.65.0 does.
#
# Seen on 2026-11-29, CPython 3.11:
#   keys of the second part: body depends_on headers id method url
#   its dependsOn: absent
#   the part that was named: None
#   status of all parts: 200
#
# Fails when any of the four lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet msgraph-core==1.5.2 microsoft-kiota-abstractions==1.16.0 \
  microsoft-kiota-http==1.16.0 microsoft-kiota-serialization-json==1.16.0 deprecated==1.3.1 2>/dev/null
cat > batch.py <<'PY'
import asyncio
import json

import httpx
from kiota_abstractions.api_client_builder import (
    register_default_deserializer,
    register_default_serializer,
)
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from kiota_serialization_json.json_serialization_writer_factory import (
    JsonSerializationWriterFactory,
)
from msgraph_core import BaseGraphRequestAdapter
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

GRAPH = "https://graph.microsoft.com/v1.0"
sent = []


def answer(request):
    parts = json.loads(request.content)["requests"]
    sent.append(parts)
    answers = [{"id": part["id"], "status": 200, "headers": {}, "body": {}} for part in parts]
    return httpx.Response(200, json={"responses": answers})


def asked(method, path, body=None):
    request = RequestInformation()
    request.http_method = method
    request.url = f"{GRAPH}{path}"
    if body is not None:
        request.headers.add("Content-Type", "application/json")
        request.content = json.dumps(body).encode()
    return request


async def main():
    register_default_serializer(JsonSerializationWriterFactory)
    register_default_deserializer(JsonParseNodeFactory)
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    adapter = BaseGraphRequestAdapter(AnonymousAuthenticationProvider(), http_client=client)
    adapter.base_url = GRAPH
    builder = BatchRequestBuilder(adapter)

    first = BatchRequestItem(asked(Method.POST, "/applications", {"displayName": "A"}), "first")
    second = BatchRequestItem(
        asked(Method.POST, "/servicePrincipals", {"appId": "B"}), "second", depends_on=["first"]
    )
    ordered = BatchRequestContent()
    ordered.add_request("first", first)
    ordered.add_request("second", second)
    await builder.post(ordered)
    part = sent[-1][1]
    print("keys of the second part:", *sorted(part))
    print("its dependsOn:", part.get("dependsOn", "absent"))

    named = BatchRequestContent()
    named.add_request_information(asked(Method.GET, "/me"), "mine")
    response = await builder.post(named)
    print("the part that was named:", response.get_response_by_id("mine"))
    print("status of all parts:", *response.get_response_status_codes().values())


asyncio.run(main())
PY
venv/bin/python batch.py | tee said.txt
diff said.txt - <<'SEEN'
keys of the second part: body depends_on headers id method url
its dependsOn: absent
the part that was named: None
status of all parts: 200
SEEN
