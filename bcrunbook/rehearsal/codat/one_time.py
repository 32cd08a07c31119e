"""One-time passwords in the addresses that a customer links by: a setting of an instance.

Source: Codat docs, "Connections": each works once, and for a day; six digits in the example of an
answer. Undocumented, and plain here: addresses that are read within a minute have the same one
until it is used. Both times are those of the rehearsal clock.
"""

from __future__ import annotations

import secrets
from typing import Final

from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.codat import world

PASSWORD: Final = "codatLinkPassword"
"""The kind of record: the password is its key, and its partition what the address leads to."""

SECONDS: Final = 86_400
SAME_FOR: Final = 60


def option(cloud: RehearsalCloud, instance: world.Instance, subject: str, name: str) -> str:
    """What an address ends with: `?otp=742271`, or nothing where the instance does not want one.

    Args:
        cloud: the rehearsal cloud.
        instance: the instance that asks for the address.
        subject: the id of the company or connection that the address leads to.
        name: the option's name.
    """
    if not instance.has_one_time_links:
        return ""
    for known, document in list(cloud.store.all_latest(PASSWORD, subject)):
        age = cloud.clock.age(document["at"])
        if age < SAME_FOR:
            return f"?{name}={known}"
        if age >= SECONDS:
            cloud.store.put(PASSWORD, subject, known, None)
    password = f"{secrets.randbelow(10**6):06}"
    cloud.store.put(PASSWORD, subject, password, {"at": cloud.clock.now()})
    # Six digits alone would be found in any text.
    cloud.canaries.add(f"otp={password}")
    return f"?{name}={password}"


def take(cloud: RehearsalCloud, instance: world.Instance, subject: str, password: str) -> bool:
    """Whether an address may be used, which uses it up.

    Args:
        cloud: the rehearsal cloud.
        instance: the instance that what it leads to belongs to.
        subject: the id of what it leads to.
        password: the option's value; empty where the address has none.
    """
    if not instance.has_one_time_links:
        return True
    document = cloud.store.latest(PASSWORD, subject, password)
    if document is None or cloud.clock.age(document["at"]) >= SECONDS:
        return False
    cloud.store.put(PASSWORD, subject, password, None)
    return True
