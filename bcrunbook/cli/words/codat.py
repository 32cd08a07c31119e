"""What Codat calls the state of a connection and of a sync (contract C8.4 to C8.7, C9.10 to C9.12).

Source: Codat documentation, "Connections" and "Data status"; Platform API, PullOperation.
"""

from __future__ import annotations

from typing import Final

from bcrunbook.aadsts import Advice
from bcrunbook.services.codat.errors import ACCOUNT_MANAGER

_CUSTOMER: Final = "the customer"
_LINKS_AGAIN: Final = "the customer opens the link again; the connection stays the same"

CONNECTIONS: Final[dict[str, Advice]] = {
    "PendingAuth": Advice(
        "a connection in Codat: the customer has not been through the link to its end, or an"
        " attempt to link failed",
        "send the customer the link, or clear what the row about the connection's error names and"
        " have the link opened again",
        "you, and the customer",
    ),
    "Linked": Advice("a connection in Codat: data can be read", "nothing: this is the good state"),
    "Deauthorized": Advice(
        "a connection in Codat: access was there and is lost, by a withdrawn consent, an expiry, a"
        " changed password, or two to three months without a sync; what was read stays readable",
        _LINKS_AGAIN,
        _CUSTOMER,
    ),
    "Unlinked": Advice(
        "a connection in Codat: somebody who keeps the instance has cut it; what was read stays"
        " readable",
        "ask who cut it, and why; then the customer opens the link again",
        "whoever keeps the Codat instance, and the customer",
    ),
    "deleted": Advice(
        "a connection or company that was known, and that Codat does not have any more",
        "ask who removed it; then run the step again, which makes it anew",
        "whoever keeps the Codat instance",
    ),
}
"""States of a connection."""

_UNDER_WAY: Final = "wait: it goes on by itself"
_LATER: Final = "sync it again later, in the Codat Portal or by running the step; most such pass"
_RIGHTS: Final = Advice(
    "a sync in Codat: it may not read the data; probably whoever linked lacks rights within"
    " Business Central",
    "somebody with more rights links again, or an administrator of Business Central assigns"
    " permission sets to whoever linked",
    "the customer, or an administrator of their Business Central",
)

SYNCS: Final[dict[str, Advice]] = {
    "Initial": Advice("a sync in Codat: it has been asked for", _UNDER_WAY),
    "Queued": Advice("a sync, or an operation of Business Central: it waits its turn", _UNDER_WAY),
    "Fetching": Advice(
        "a sync in Codat: data is being read; one that stays so for long is as a rule pausing"
        " before another try",
        _UNDER_WAY,
    ),
    "MapQueued": Advice("a sync in Codat: read, and waiting to be translated", _UNDER_WAY),
    "Mapping": Advice("a sync in Codat: what was read is being translated", _UNDER_WAY),
    "ProcessingQueued": Advice("a sync in Codat: translated, and waiting", _UNDER_WAY),
    "Processing": Advice("a sync in Codat: what was translated is being stored", _UNDER_WAY),
    "ValidationQueued": Advice("a sync in Codat: stored, and waiting to be checked", _UNDER_WAY),
    "Validating": Advice("a sync in Codat: what was stored is being checked", _UNDER_WAY),
    "Complete": Advice("a sync in Codat: it has ended well", "nothing: this is the good state"),
    "NotSupported": Advice(
        "a sync in Codat: the platform does not have this kind of data", "nothing"
    ),
    "FetchError": Advice(
        "a sync in Codat: reading failed; soon after linking this belongs to the installation of"
        " App Link, and is no failure",
        "wait 20 to 30 minutes from the linking, then run the step again, which syncs once more",
    ),
    "AuthError": Advice(
        "a sync in Codat: access was withdrawn, or the password or the licence has changed",
        _LINKS_AGAIN,
        _CUSTOMER,
    ),
    "PermissionsError": _RIGHTS,
    "PrerequisiteNotMet": _RIGHTS,
    "RateLimitError": Advice(
        "a sync in Codat: the platform was asked too often", "wait, then sync it again"
    ),
    "Cancelled": Advice("a sync, or an operation of Business Central, was broken off", _LATER),
    "MapError": Advice("a sync in Codat: what was read could not be translated", _LATER),
    "ProcessingError": Advice("a sync in Codat: what was read could not be stored", _LATER),
    "ValidationError": Advice("a sync in Codat: what was stored failed its check", _LATER),
    "InternalError": Advice(
        "a sync in Codat: Codat has a fault",
        "sync it again later; if it stays, tell Codat the company and the data type",
        f"you, or {ACCOUNT_MANAGER}",
    ),
}
"""States of a sync of one data type."""
