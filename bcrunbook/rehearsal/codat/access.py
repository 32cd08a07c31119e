"""Who calls: the API key, the instance it belongs to, and whether its plan still runs.

Source: Codat docs, "Authentication" (the word Basic and the base64 of the bare key, without a user
name or a colon) and "Errors" (402).
"""

from __future__ import annotations

import base64
import binascii

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import keys, world
from bcrunbook.rehearsal.codat.errors import CodatError, plan_limit, unauthorized
from bcrunbook.rehearsal.messages import Call


def identify(cloud: RehearsalCloud, call: Call) -> world.Instance:
    """The instance of the key; a missing or unknown one is refused.

    A deleted key is unknown. The docs have a 403 for an "outdated" key without saying which keys
    those are.
    """
    kind, _, value = call.header("authorization").partition(" ")
    if kind.lower() != "basic":
        raise unauthorized()
    try:
        key = base64.b64decode(value.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as problem:
        raise unauthorized() from problem
    instance = keys.instance_of(cloud, key)
    if instance is None:
        raise unauthorized()
    if instance.wants_certificate:
        _demand_certificate(instance, call)
    return instance


def _demand_certificate(instance: world.Instance, call: Call) -> None:
    """Refuse a call without a client certificate, or that does not name the instance.

    How Codat refuses it, within TLS or with which status, is not published (contract C1.14).
    """
    if call.header("x-codat-client").lower() != instance.id or not call.has_certificate:
        raise CodatError(
            403, "A client certificate and the header x-codat-client are required for this client."
        )


def demand_running_plan(instance: world.Instance) -> None:
    """Refuse everything to a Free account past its 365 days; the wording is undocumented."""
    if instance.plan == world.FREE_ENDED:
        raise plan_limit("Your free plan has ended. Contact Codat to continue using the API.")
