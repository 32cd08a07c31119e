"""The stand-in for Azure Resource Manager: the tenants a person can see, and no subscriptions.

Source: Azure REST reference, "Tenants - List".
"""

from __future__ import annotations

import uuid
from typing import Final

from bcrunbook.rehearsal.azure import access
from bcrunbook.rehearsal.azure.elsewhere import ELSEWHERE
from bcrunbook.rehearsal.azure.errors import (
    AzureError,
    method_not_allowed,
    missing_version,
    not_found,
)
from bcrunbook.rehearsal.azure.routes import HOST, ROUTER
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.messages import Answer, Call, Handler

HOSTS: Final = (HOST, "management.core.windows.net")


def handler(cloud: RehearsalCloud) -> Handler:
    """The handler of management.azure.com."""

    def handle(call: Call) -> Answer:
        try:
            answer = _serve(cloud, call)
        except AzureError as problem:
            answer = ELSEWHERE.mark(call.method, call.path, problem.answer())
        request = str(uuid.uuid4())
        return answer.with_headers(
            {
                "x-ms-request-id": request,
                "x-ms-correlation-request-id": request,
                "Cache-Control": "no-cache",
            }
        )

    return handle


def _serve(cloud: RehearsalCloud, call: Call) -> Answer:
    claims = access.identify(cloud, call)
    if not call.params.get("api-version"):
        raise missing_version()
    path = call.path.strip("/").lower()
    if call.method != "GET":
        raise method_not_allowed(path, call.method)
    match = ROUTER.find(path.split("/"))
    listing = match.handler(call.method) if match else None
    if listing is None:
        raise not_found(path)
    return listing(claims)
