"""The API keys of an instance.

Source: Codat docs, API keys: the first key is made with the instance; at most ten; names of up to
50 characters; a key may delete any key, itself and the last one included (the OpenAPI description
says so, one page of the docs says the last one stays).
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from bcrunbook.rehearsal import world as microsoft
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import CodatError, bad_request, not_found
from bcrunbook.rehearsal.codat.limits import MAX_API_KEY_NAME_LENGTH, MAX_API_KEYS
from bcrunbook.rehearsal.codat.request import Request
from bcrunbook.rehearsal.drawn_secrets import new_api_key
from bcrunbook.rehearsal.messages import Answer, json_answer

KEY: Final = "codatApiKey"
"""The kind of record; its partition is the instance's id. The first key has one once deleted."""

FIRST_CREATED: Final = "2024-02-01T09:00:00Z"


def first_key_id(instance: world.Instance) -> str:
    """The id of the key that was made with the instance."""
    return microsoft.derived_id("codatApiKey", instance.id)


def keys_of(cloud: RehearsalCloud, instance: world.Instance) -> list[dict[str, Any]]:
    """Every key of an instance as the API describes it, the oldest first."""
    made = dict(cloud.store.all_latest(KEY, instance.id))
    found = [document["key"] for document in sorted(made.values(), key=lambda one: one["at"])]
    first = first_key_id(instance)
    if first not in made:
        secret = cloud.secret(world.api_key_name(instance))
        found.insert(0, {"id": first, "apiKey": secret, "createdDate": FIRST_CREATED})
    return [key for key in found if key]


def instance_of(cloud: RehearsalCloud, key: str) -> world.Instance | None:
    """The instance that a key opens."""
    for instance in world.INSTANCES.values():
        if any(known["apiKey"] == key for known in keys_of(cloud, instance)):
            return instance
    return None


def list_all(request: Request) -> Answer:
    """Every key, with its value."""
    return json_answer(200, {"results": keys_of(request.cloud, request.instance)})


def create(request: Request) -> Answer:
    """A new key."""
    name = request.body().get("name")
    if name is not None and not isinstance(name, str):
        raise bad_request("`name` must be a string.")
    if name is not None and len(name) > MAX_API_KEY_NAME_LENGTH:
        raise bad_request(f"Max string length ({MAX_API_KEY_NAME_LENGTH}) for `name` reached.")
    if len(keys_of(request.cloud, request.instance)) >= MAX_API_KEYS:
        raise CodatError(
            409,
            "Maximum number of API keys reached. To create a new API key, delete an unused key and "
            "try again.",
        )
    now = request.cloud.clock.now()
    key = {
        "id": str(uuid.uuid4()),
        **({"name": name} if name is not None else {}),
        "apiKey": request.cloud.canaries.add(new_api_key()),
        "createdDate": timestamp(now, fraction=False),
    }
    request.cloud.store.put(KEY, request.instance.id, key["id"], {"at": now, "key": key})
    return json_answer(201, key)


def delete(request: Request, key: str) -> Answer:
    """Take a key away, at once; the last one stays (Codat docs; its description knows no refusal).

    Nobody could sign in to the API any more, and the portal here makes no keys.
    """
    known = {one["id"] for one in keys_of(request.cloud, request.instance)}
    if key not in known:
        raise not_found(f"API key {key} not found")
    if len(known) == 1:
        raise bad_request("The last API key cannot be deleted.")
    gone = {"at": 0.0, "key": None} if key == first_key_id(request.instance) else None
    request.cloud.store.put(KEY, request.instance.id, key, gone)
    return Answer(204)
