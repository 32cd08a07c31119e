"""What something in the ledger is about, and what sorts of facts there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bcrunbook.accounts import Identity


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run, a fact or an outcome is about.

    Args:
        whose: the account as it is meant now.
        step: the step's id; where facts are looked for, None means of any step.
        customer: the customer's name; None means the account itself, and where facts are looked
            for, whomever they are about.
    """

    whose: Identity
    step: str | None = None
    customer: str | None = None


class FactKind(StrEnum):
    """The sorts of facts that the program notes by itself.

    What a person confirms is of the sort that the confirmed change's key names. The values stand
    in ledgers that are there: they stay.
    """

    APPLICATION = "application"
    """The application of an account; its subject is the client id."""
    SERVICE_PRINCIPAL = "service_principal"
    """The application's service principal in the account's tenant."""
    INSTANCE = "instance"
    """The Codat instance to which the account's key led first."""
    SECRET_INTENT = "secret_intent"
    """A secret is about to be made; its subject is the marker."""
    SECRET_STORED = "secret_stored"
    """The value of a secret is in the store."""
    SECRET_SEEN = "secret_seen"
    """From when to when the current secret lives; its subject is the marker, if there is any."""
    SECRET_REMOVED = "secret_removed"
    """A secret is gone from the application."""
    SECRET_HANDED_OVER = "secret_copied"
    """A secret went into a person's hands."""
    CONSENT = "consent_seen"
    """What is granted to the application tenant-wide; its subject is the API's application id."""
    COMPANY = "company"
    """The company in Codat that is a customer's."""
    CONNECTION = "connection"
    """The customer's connection to Business Central, in Codat."""
    EXTENSION = "extension"
    """App Link as it was last seen installed at a customer."""
    WATCH_BEGAN = "watch"
    """An installation is followed from here on."""
    WATCH_POLL = "poll"
    """One look at an installation."""
    WATCH_ENDED = "verdict"
    """What the looks of a watch came to."""
    APPLIED = "applied"
    """A change was made."""
    ANSWER_LOST = "answer_lost"
    """A change was asked for, and no answer came."""
    RETIREMENT_BEGAN = "retirement_began"
    """An account or a customer is about to be retired: nothing is set up for it any more."""
    RETIRED = "retired"
    """Nothing of an account, or nothing that reads a customer's data, is left."""
    RESTORED = "restored"
    """An account or a customer that was retired, or was about to be, is taken up again."""
    WITHOUT_TRIAL = "without_trial"
    """Somebody lets an account begin before the one that it requires has passed."""
    BATCH_BEGAN = "batch_began"
    """A batch has begun; its subject is the batch."""
    BATCH_ITEM = "batch_item"
    """An account or a customer of a batch has ended."""
    BATCH_ENDED = "batch_ended"
    """A batch has ended."""
