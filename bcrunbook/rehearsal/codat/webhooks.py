"""Webhook consumers. They are kept and listed; nothing is ever sent to them.

Source: Codat's OpenAPI description (WebhookConsumer) and docs, "Webhooks": at most 50, up to ten
company tags each as `key:value`. Which event types there are is not enforced: the description names
old ones and the docs new ones.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from bcrunbook.rehearsal.codat.errors import bad_request, not_found
from bcrunbook.rehearsal.codat.limits import MAX_WEBHOOK_TAG_LENGTH, MAX_WEBHOOK_TAGS, MAX_WEBHOOKS
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.codat.settings import is_url
from bcrunbook.rehearsal.messages import Answer, json_answer

WEBHOOK: Final = "codatWebhook"
"""The kind of record; its partition is the instance's id."""


def list_all(request: Request) -> Answer:
    """Every consumer, the oldest first; this list has no pages."""
    return json_answer(200, {"results": [one["consumer"] for one in _kept(request)]})


def create(request: Request) -> Answer:
    """A new consumer."""
    consumer = {"id": str(uuid.uuid4()), **_checked(request.body())}
    if len(_kept(request)) >= MAX_WEBHOOKS:
        raise bad_request(f"The limit of {MAX_WEBHOOKS} webhook consumers is reached.")
    document = {"at": request.cloud.clock.now(), "consumer": consumer}
    request.cloud.store.put(WEBHOOK, request.instance.id, consumer["id"], document)
    return json_answer(201, consumer)


def delete(request: Request, webhook: str) -> Answer:
    """Remove a consumer."""
    if request.cloud.store.latest(WEBHOOK, request.instance.id, webhook) is None:
        raise not_found(f"Webhook consumer {webhook} not found")
    request.cloud.store.put(WEBHOOK, request.instance.id, webhook, None)
    return Answer(204)


def _kept(request: Request) -> list[dict[str, Any]]:
    found = request.cloud.store.all_latest(WEBHOOK, request.instance.id)
    return sorted((document for _, document in found), key=lambda one: float(one["at"]))


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The consumer that a body describes; that url and types are needed is undocumented."""
    if not is_url(body.get("url")):
        raise bad_request("`url` is required and must be a URL.")
    if not _texts(body.get("eventTypes")):
        raise bad_request("`eventTypes` is required and must be an array of strings.")
    given = body.get("disabled")
    disabled = False if given is None else given
    if not isinstance(disabled, bool):
        raise bad_request("`disabled` must be a boolean.")
    checked = {"url": body["url"], "eventTypes": body["eventTypes"], "disabled": disabled}
    tags = body.get("companyTags")
    if tags is None:
        return checked
    if tags != [] and not _texts(tags):
        raise bad_request("`companyTags` must be an array of strings.")
    if len(tags) > MAX_WEBHOOK_TAGS:
        raise bad_request(f"`companyTags` can hold at most {MAX_WEBHOOK_TAGS} tags.")
    if any(":" not in tag or len(tag) > MAX_WEBHOOK_TAG_LENGTH for tag in tags):
        raise bad_request(
            f"A company tag is key:value, of up to {MAX_WEBHOOK_TAG_LENGTH} characters."
        )
    return {**checked, "companyTags": tags}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
