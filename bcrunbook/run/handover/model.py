"""What a handover tells: plain data, the same for its page and for other programs.

None, or an empty list of request ids, means that the ledger has not noted it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from bcrunbook.core.step import State

HANDOVER_SCHEMA: Final = 1
"""The version of the form in which a handover is written."""

Known = Literal["meant", "observed", "intended", "done", "said"]
"""How something is known: `meant` is what accounts.toml says, the others are the ledger's."""


@dataclass(frozen=True)
class ThereIs:
    """One thing that belongs to an account.

    Args:
        what: what it is.
        value: its name or its id; None where it is not noted.
        known: how that is known.
        at: when it was noted; null for what accounts.toml says.
    """

    what: str
    value: str | None
    known: Known
    at: datetime | None = None


@dataclass(frozen=True)
class ConsentNote:
    """A consent, or a look that showed one.

    Args:
        scopes: the permissions; null where they are not noted.
        known: `done` where the program granted it, `observed` where a look showed it.
        at: when.
        identity: who granted it; null where that is not noted.
        request_ids: under which ids the service answered.
    """

    scopes: list[str] | None
    known: Known
    at: datetime
    identity: str | None
    request_ids: list[str]


@dataclass(frozen=True)
class CustomerNote:
    """A customer, and what there is of theirs.

    Args:
        customer: the key in accounts.toml.
        name: what they are called there, or were when their company was made.
        in_file: whether accounts.toml has them still.
        company: the id of their company in Codat.
        connection: the id of their connection.
        extension: how App Link stood when somebody looked last; null where nobody did.
        extension_at: when that was.
        version: the newest version that was seen installed.
        installed_at: when it was seen installed last.
        state: how their link ended last; null where it was never begun.
        since: since when.
        retired: since when they are retired, or about to be; null where they are not.
    """

    customer: str
    name: str
    in_file: bool
    company: str | None
    connection: str | None
    extension: str | None
    extension_at: datetime | None
    version: str | None
    installed_at: datetime | None
    state: State | None
    since: datetime | None
    retired: datetime | None = None


@dataclass(frozen=True)
class HandedSecret:
    """A time at which a secret went into a person's hands.

    Args:
        at: when.
        to: `clipboard` or `terminal`.
        user: who was logged in on that machine; null where that is not noted.
    """

    at: datetime
    to: str
    user: str | None


@dataclass(frozen=True)
class SavedSecret:
    """Somebody's word that a secret is saved in the Codat Portal.

    Args:
        by: who says so.
        at: when they said it.
    """

    by: str
    at: datetime


@dataclass(frozen=True)
class SecretNote:
    """A client secret; its value is nowhere here.

    Args:
        marker: the digits by which it is known.
        key_id: its id in Entra.
        reference: where its value is kept.
        stored_at: since when.
        made_by: `program`, or `hand` where a person made it in the portal.
        identity: as whom the program made it; null where that is not noted.
        made: from when it is good.
        ends: until when.
        removed_at: when it was found or made gone; null where it was not.
        handed: when it went into whose hands.
        saved: who says that it is saved in the Codat Portal.
    """

    marker: str
    key_id: str | None
    reference: str | None
    stored_at: datetime | None
    made_by: Literal["program", "hand"]
    identity: str | None
    made: datetime | None
    ends: datetime | None
    removed_at: datetime | None
    handed: list[HandedSecret]
    saved: list[SavedSecret]


@dataclass(frozen=True)
class WriteNote:
    """A write, or the intention of one.

    Args:
        at: when it was noted.
        customer: whose it is about; null for the account itself.
        step: the step's id.
        what: what was done.
        known: `done` or `intended`.
        identity: as whom; null where that is not noted.
        request_ids: under which ids the service answered; it gives none for some.
        run_id: the ledger's id of the run; null where that is not noted.
    """

    at: datetime
    customer: str | None
    step: str
    what: str
    known: Known
    identity: str | None
    request_ids: list[str]
    run_id: str | None


@dataclass(frozen=True)
class SaidNote:
    """What a person said; nothing here vouches for it.

    Args:
        at: when.
        by: who.
        customer: whom it is about; null for the account itself.
        step: the step's id.
        said: their words, which the program had asked for.
        values: what it was about.
    """

    at: datetime
    by: str
    customer: str | None
    step: str
    said: str
    values: dict[str, Any]


@dataclass(frozen=True)
class EndNote:
    """Something that ends.

    Args:
        what: what it is.
        renew: from when on the next one should be made; null where that is not known.
        ends: when it ends.
    """

    what: str
    renew: datetime | None
    ends: datetime


@dataclass(frozen=True)
class OpenNote:
    """A step that has not passed.

    Args:
        customer: whom it is about; null for the account itself.
        step: the step's id.
        state: how it ended last; null where it was never run.
        since: since when it stands so.
        summary: what it came to.
        next: what to do next.
        card: the file that tells a person what to do, from the workspace on; null without one.
    """

    customer: str | None
    step: str
    state: State | None
    since: datetime | None
    summary: str
    next: str
    card: str | None


@dataclass(frozen=True)
class RunsNote:
    """How often a step was run.

    Args:
        step: the step's id.
        count: how many runs there were, of all customers.
        first: when the first began.
        last: when the last began.
    """

    step: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class AccountNote:
    """An account as it is handed over.

    Args:
        account: its name.
        kind: `trial` or `production`.
        cloud: `live` or `rehearsal`.
        story: how it stands, in a few sentences.
        there: what there is.
        consents: who consented to what.
        customers: its customers.
        secrets: its client secrets, the newest first.
        ends: what ends, the earliest first.
        open: what is open.
        writes: what the program wrote, in order.
        said: what people said, in order.
        runs: how often each step was run.
        retired: since when it is retired, or about to be; null where it is not.
    """

    account: str
    kind: str
    cloud: str
    story: str
    there: list[ThereIs]
    consents: list[ConsentNote]
    customers: list[CustomerNote]
    secrets: list[SecretNote]
    ends: list[EndNote]
    open: list[OpenNote]
    writes: list[WriteNote]
    said: list[SaidNote]
    runs: list[RunsNote]
    retired: datetime | None = None


@dataclass(frozen=True)
class Handover:
    """What is handed over, from the ledger alone: no service was asked.

    Args:
        written: when it was written (UTC).
        version: the program's version.
        accounts: the accounts.
        schema: the version of this form.
    """

    written: datetime
    version: str
    accounts: list[AccountNote]
    schema: int = HANDOVER_SCHEMA
