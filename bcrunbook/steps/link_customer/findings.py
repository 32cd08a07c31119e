"""What a look at a customer shows: the company, the connection, the extension, the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bcrunbook import aadsts
from bcrunbook.accounts import Account, Customer
from bcrunbook.core.step import Comparison, Finding, Findings, Observation, Sighting
from bcrunbook.ledger.scope import FactKind
from bcrunbook.order import ENABLE_INTEGRATION, ref
from bcrunbook.services.codat.models import Company, Connection
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_name, company_seen
from bcrunbook.steps.link_customer.installation.film import timeline
from bcrunbook.steps.link_customer.installation.memory import (
    LastKnownExtension,
    remembered,
)
from bcrunbook.steps.link_customer.installation.poll import LINKED, Poll
from bcrunbook.steps.link_customer.installation.verdict import Judgement, Verdict, last_sighting
from bcrunbook.steps.standing import SwitchedOff, enabled_row

ADVICE: Final = {
    Verdict.NOT_LINKED: "Send the customer the link, and run this step again once they have begun.",
    Verdict.LINK_FAILED: "Clear the cause, then the customer opens the link again.",
    Verdict.RELINK: "The customer opens the link again; the connection stays the same.",
    Verdict.CUT: "Somebody unlinked it in Codat. The customer opens the link again.",
    Verdict.NOT_ALLOWED: "Whoever linked lacks permissions in Business Central: somebody with more"
    " links again, or an administrator there assigns them permission sets.",
    Verdict.INSTALLING: "Wait: 10 to 20 minutes are usual, and fetch errors belong to it.",
    Verdict.SUSPECT: "Wait: such reports have been wrong. Nothing is started a second time.",
    Verdict.HIDDEN: "Wait: an upgrade of the environment, or a busy service, passes by itself.",
    Verdict.CONFIRMING: "Wait for the next look.",
    Verdict.NOT_FINISHED: "The window was closed early: the customer opens the link again.",
    Verdict.OLDER: "The environment was restored or copied, or an older version was put in by"
    " hand: the customer links again, which installs the newest.",
    Verdict.UNINSTALLED: "The customer links again, which installs it.",
    Verdict.UNPUBLISHED: "The customer links again, which installs it.",
    Verdict.UNCONFIRMED: "Run this step again later. If it stays so, ask the customer what the"
    " window said, and look at the connection's timeline in the Codat Portal, as somebody with the"
    " role Developer or Administrator.",
}
"""What to do about a verdict; the good ones have none."""


@dataclass(frozen=True)
class CustomerFindings(Findings):
    """What the step saw.

    Args:
        account: the account.
        customer: the customer.
        enabled: whether the integration is enabled in Codat.
        company: Codat's company that bears the customer's tag.
        twins: how many more bear it.
        whose: why the company may be another customer's; empty when it is this one's.
        connection: its connection to Business Central; None without one.
        poll: the last look; None without a connection.
        judgement: what the looks of the current watch say together.
        memory: what is known of the extension from earlier runs.
        remembered_as: under what the extension is remembered; empty when it was not seen.
        watched: the polls of the watch under way, or of the last one.
        open_since: when the watch began that no verdict has ended yet; None without one.
        off: what somebody has switched off of our application, so that nobody can link; None where
            nothing is, or where it was not looked at, as nobody has to link.
    """

    account: Account
    customer: Customer
    enabled: bool
    company: Company | None
    twins: int
    connection: Connection | None
    poll: Poll | None
    judgement: Judgement | None
    memory: LastKnownExtension | None
    remembered_as: str
    watched: tuple[Poll, ...] = ()
    open_since: datetime | None = None
    whose: str = ""
    off: SwitchedOff | None = None

    @property
    def has_to_link(self) -> bool:
        """Whether it is the customer's turn, for the first time or again."""
        return self.enabled and not self.whose and not self._stands

    def with_switches(self, off: SwitchedOff | None) -> CustomerFindings:
        """The same, where it is known what is switched off of our application.

        Args:
            off: what is; None for nothing.
        """
        if off is None or not self.has_to_link or not off.stops(self.account, self.customer):
            return self
        return replace(self, off=off)

    @property
    def _stands(self) -> bool:
        judgement = self.judgement
        return judgement is not None and (judgement.is_good or bool(self.under_way))

    @property
    def timeline(self) -> tuple[Sighting, ...]:
        """The looks of the watch under way, or of the last one."""
        return timeline(self.watched, self.memory)

    @property
    def under_way(self) -> str:
        """What takes its time and is watched."""
        if self.judgement is None or self.whose:
            return ""
        if self.judgement.is_under_way or self.judgement.verdict is Verdict.UNCONFIRMED:
            return f"App Link: {self.judgement.verdict.value} ({self.judgement.because})"
        return ""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The extension, as it was seen installed last; the end of a watch that this look settles.

        A run that was killed between two looks leaves a watch open, which the next one's first look
        may settle.
        """
        if self.whose:
            return ()
        observed = []
        if self.company is not None:
            observed.append(company_seen(self.company, self.customer))
        if self.company is not None and self.connection is not None:
            data = {"company": self.company.id}
            observed.append(Observation(FactKind.CONNECTION, self.connection.id, data))
        sighting = last_sighting((*self.watched, self.poll)) if self.poll is not None else None
        if sighting is not None and self.remembered_as:
            assert sighting.installed is not None
            known = remembered(self.memory, sighting.installed, sighting.at)
            observed.append(Observation(FactKind.EXTENSION, self.remembered_as, known.as_dict()))
        if self.open_since is not None and not self.under_way:
            assert self.judgement is not None and self.connection is not None
            data = {
                "verdict": self.judgement.verdict.value,
                "because": self.judgement.because,
                "began": self.open_since.isoformat(),
            }
            observed.append(Observation(FactKind.WATCH_ENDED, self.connection.id, data))
        return tuple(observed)

    def rows(self) -> tuple[Finding, ...]:
        """Integration, company, connection with its errors, extension, data, verdict."""
        switches = (enabled_row(self.off),) if self.off is not None else ()
        return (
            *switches,
            _integration_row(self.enabled),
            self._company_row(),
            *self._connection_rows(),
            *self._extension_rows(),
        )

    def _company_row(self) -> Finding:
        source = f"Codat API, companies tagged {TAG}"
        wanted = "one company"
        if self.company is None:
            return Finding(
                "Company in Codat",
                wanted,
                "none",
                source,
                Comparison.DIFFERS,
                self.whose,
                is_yet_to_come=not self.whose,
            )
        if self.whose:
            wanted = codat_name(self.customer)
            actual = self.company.name
            return Finding(
                "Company in Codat", wanted, actual, source, Comparison.DIFFERS, self.whose
            )
        if self.twins:
            advice = "Somebody tagged several. The oldest is used; remove the tag from the others."
            actual = f"{self.company.name}, and {self.twins} more with the same tag"
            return Finding("Company in Codat", wanted, actual, source, Comparison.NOTE, advice)
        return Finding("Company in Codat", wanted, self.company.name, source, Comparison.OK)

    def _connection_rows(self) -> tuple[Finding, ...]:
        source = "Codat API, connections"
        if self.connection is None or self.poll is None:
            return (
                Finding(
                    "Connection", LINKED, "none", source, Comparison.DIFFERS, is_yet_to_come=True
                ),
            )
        status = self.poll.connection
        verdict = Comparison.OK if status == LINKED else Comparison.DIFFERS
        rows = [Finding("Connection", LINKED, status, source, verdict)]
        rows += [
            Finding(
                "Error of the connection",
                "",
                one.text,
                "Codat API, dataConnectionErrors, verbatim",
                Comparison.NOTE,
                advice_on(one.text),
            )
            for one in self.poll.errors
            if one.is_active
        ]
        return tuple(rows)

    def _extension_rows(self) -> tuple[Finding, ...]:
        poll, judgement = self.poll, self.judgement
        if poll is None or judgement is None:
            return ()
        row = poll.installed
        where = poll.environment.partition(":")[0] or "Business Central"
        if poll.packages is None:
            reason = poll.unknown.get("extension", "") or "it may not be read"
            extension = Finding(
                "App Link", "installed", "unknown", reason, Comparison.UNKNOWN, _READING
            )
        else:
            extension = Finding(
                "App Link",
                "installed",
                f"installed, version {row.version_text}" if row else "not installed",
                f"Business Central, extensions of {where}",
                Comparison.OK if row else Comparison.DIFFERS,
            )
        data = Finding(
            "Sync of the company",
            "Complete",
            poll.data or "none yet",
            "Codat API, dataStatus",
            Comparison.OK if poll.data == "Complete" else Comparison.NOTE,
        )
        verdict = Comparison.OK if judgement.is_good else Comparison.DIFFERS
        if self.under_way:
            verdict = Comparison.NOTE
        row_of_verdict = Finding(
            "Verdict",
            Verdict.INSTALLED.value,
            f"{judgement.verdict.value}: {judgement.because}",
            "all of the above",
            verdict,
            ADVICE.get(judgement.verdict, "") if self.off is None else self.off.advice,
        )
        return (extension, data, row_of_verdict)


_READING: Final = (
    "Not needed: Codat's own sync tells as well. It can be read where the customer's tenant allows"
    " this account's sign-in to."
)


def advice_on(text: str) -> str:
    """What to do about an error of a connection.

    What the table of Entra's codes knows of a link is said (contract C12.4, C12.5 and
    C12.6); where our own pair of keys is at fault, saving it anew mends it.
    """
    advice = aadsts.linking_advice_in(text)
    if advice is not None:
        return (
            f"{advice.meaning[0].upper()}{advice.meaning[1:]}. Next, {advice.who}: {advice.next}."
        )
    if "EXTEN. MGT" in text.upper():
        return (
            "Whoever links needs a licence (Essentials or Premium) and the permission set EXTEN."
            " MGT. - ADMIN; an administrator of their Business Central assigns it."
        )
    return ""


def _integration_row(enabled: bool) -> Finding:
    return Finding(
        "Business Central enabled",
        "enabled",
        "enabled" if enabled else "not enabled",
        "Codat API, integrations",
        Comparison.OK if enabled else Comparison.DIFFERS,
        ""
        if enabled
        else "Without it no customer can choose Business Central: that is"
        f" {ref(ENABLE_INTEGRATION)}.",
        is_yet_to_come=not enabled,
    )
