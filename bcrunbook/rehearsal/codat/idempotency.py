"""Idempotency keys: the first answer is given again for 90 minutes.

Source: Codat docs, "Idempotency": a GUID in `Idempotency-Key` on POST and PATCH; another body under
the same key is 422; a 429 is not kept, any other answer is. A key cannot be "still in progress"
(409) here, because requests are served one after the other. What a fault rule answers is kept too.

Undocumented: the same key and body on another address. It counts as another request, hence 422
(contract C3.12).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world
from bcrunbook.rehearsal.codat.errors import CodatError, bad_request
from bcrunbook.rehearsal.messages import Answer, Call
from bcrunbook.rehearsal.state import Document

ANSWERED: Final = "codatAnswered"
"""The kind of record; its partition is the instance's id, its key the idempotency key."""

HEADER: Final = "Idempotency-Key"
METHODS: Final = ("POST", "PATCH")
KEPT_SECONDS: Final = 90 * 60
GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def once(
    cloud: RehearsalCloud, instance: world.Instance, call: Call, serve: Callable[[], Answer]
) -> Answer:
    """Serve a request, or give the answer again that it got before."""
    given = call.header(HEADER)
    if call.method not in METHODS or not given:
        return serve()
    if not GUID.fullmatch(given):
        raise bad_request(f"{HEADER} must be a GUID.")
    key = given.lower()
    asked = _fingerprint(call)
    _forget(cloud, instance)
    kept = cloud.store.latest(ANSWERED, instance.id, key)
    if kept is None or _is_over(cloud, kept):
        answer = serve()
        keep(cloud, instance, call, answer)
        return answer
    if kept["asked"] != asked:
        raise CodatError(422, f"The {HEADER} was already used with a different request.")
    return Answer(kept["status"], base64.b64decode(kept["body"]), kept["headers"])


def keep(cloud: RehearsalCloud, instance: world.Instance, call: Call, answer: Answer) -> None:
    """Keep an answer under the request's key, if it has one and the answer is one that is kept."""
    key = call.header(HEADER).lower()
    if call.method not in METHODS or not GUID.fullmatch(key) or answer.status == 429:
        return
    document = {
        "at": cloud.clock.now(),
        "asked": _fingerprint(call),
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": base64.b64encode(answer.body).decode(),
    }
    cloud.store.put(ANSWERED, instance.id, key, document)


def _fingerprint(call: Call) -> str:
    text = f"{call.method} {call.path}?{call.query}\n".encode() + call.body
    return hashlib.sha256(text).hexdigest()


def _is_over(cloud: RehearsalCloud, kept: Document) -> bool:
    return cloud.clock.age(float(kept["at"])) >= KEPT_SECONDS


def _forget(cloud: RehearsalCloud, instance: world.Instance) -> None:
    for key, kept in cloud.store.all_latest(ANSWERED, instance.id):
        # In the order in which they were kept, or in one that leaves some for later.
        if not _is_over(cloud, kept):
            return
        cloud.store.put(ANSWERED, instance.id, key, None)
