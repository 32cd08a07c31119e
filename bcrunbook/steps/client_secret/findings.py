"""What a look shows: the tenant's policy, the application's secrets, the stored one's proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from bcrunbook.accounts import Account
from bcrunbook.core.step import Comparison, Finding, Findings, Observation
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import FactKind
from bcrunbook.limits import MAX_SECRETS, SHORT_LIFETIME_DAYS
from bcrunbook.order import CLIENT_SECRET
from bcrunbook.services.graph.models import (
    Application,
    CredentialRestriction,
    PasswordCredential,
    SecretPolicy,
)
from bcrunbook.services.wire import Seen
from bcrunbook.steps.client_secret.life import SecretLife
from bcrunbook.steps.standing import SwitchedOff, enabled_row
from bcrunbook.steps.wording import ABSENT


@dataclass(frozen=True)
class SecretCredential:
    """One client secret on the application, as far as it concerns us.

    Args:
        seen: what Microsoft Graph says of it.
        marker: our marker in its description; empty for somebody else's.
        is_stored: whether the secret store has its value.
        is_orphan: whether this ledger asked for it and nobody ever got its value.
    """

    seen: PasswordCredential
    marker: str
    is_stored: bool
    is_orphan: bool = False

    def expired(self, now: datetime) -> bool:
        """Whether it has ended."""
        return self.seen.end_date_time is not None and self.seen.end_date_time <= now


@dataclass(frozen=True)
class SecretFindings(Findings):
    """What the step saw.

    Args:
        account: the account, which says what is wanted.
        application: the application.
        policy: the tenant's application management policy.
        credentials: the secrets on the application.
        current: the newest secret of ours that is stored and has not expired.
        where_stored: the reference under which the store has it; empty without one.
        proof: None when Entra gave a token for it; an error when it refused; and nothing proven
            (`is_proven` false, proof None) when there is no secret to prove.
        is_proven: whether Entra gave a token for it.
        still_spreading: why it is too early to judge; empty when it is not.
        now: when it was looked at (UTC), by Microsoft Graph's clock.
        ended: key ids of our stored secrets that have expired, by that clock and for Entra too.
        gone: markers of stored values whose secrets somebody has removed from the application.
        off: what somebody has switched off of the application; None where nothing is.
    """

    account: Account
    application: Application
    policy: Seen[SecretPolicy]
    credentials: tuple[SecretCredential, ...]
    current: SecretCredential | None
    where_stored: str
    proof: RunbookError | None
    is_proven: bool
    still_spreading: str
    now: datetime
    ended: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()
    off: SwitchedOff | None = None

    @property
    def unsettled(self) -> str:
        """A secret, made moments ago, that does not show or work everywhere yet."""
        return self.still_spreading

    @property
    def is_ending(self) -> bool:
        """Whether the current secret has a month left or less, or the last third of its life."""
        life = self.life
        return self.current is not None and life is not None and life.renew <= self.now

    @property
    def latest(self) -> SecretCredential | None:
        """The current secret of ours, or else the stored one that ended last."""
        if self.current is not None:
            return self.current
        ended = [one for one in self.credentials if one.is_stored and one.seen.end_date_time]
        return max(ended, key=lambda one: one.seen.end_date_time or self.now, default=None)

    @property
    def life(self) -> SecretLife | None:
        """The life of that secret; None where there is none, or it has no end."""
        seen = self.latest.seen if self.latest is not None else None
        if seen is None or seen.end_date_time is None:
            return None
        ends = seen.end_date_time
        made = seen.start_date_time or min(self.now, ends - timedelta(days=SHORT_LIFETIME_DAYS))
        return SecretLife(self.application.app_id, made, ends)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """From when to when it lives, for who asks when no service can be asked."""
        marker = self.latest.marker if self.latest is not None else ""
        data = self.life.as_dict() if self.life is not None else {}
        return (Observation(FactKind.SECRET_SEEN, marker, data, step=CLIENT_SECRET),)

    @property
    def longest_days(self) -> int | None:
        """The longest lifetime that the tenant's policy allows, in days; None without a limit."""
        limits = [
            _days(rule.max_lifetime)
            for rule in self._rules
            if rule.restriction_type == "passwordLifetime" and rule.max_lifetime
        ]
        return min((days for days in limits if days is not None), default=None)

    @property
    def forbidden(self) -> bool:
        """Whether the default policy forbids client secrets; an exemption does not show in it."""
        return any(rule.restriction_type == "passwordAddition" for rule in self._rules)

    @property
    def lifetime_days(self) -> int:
        """The lifetime a new secret gets: as wanted, or shorter where the policy says so."""
        wanted = self.account.secret_lifetime_days
        return min(wanted, self.longest_days or wanted)

    @property
    def description(self) -> str:
        """The description a new secret gets, before our marker."""
        return self.account.secret_description or "Codat"

    @property
    def _is_first(self) -> bool:
        """Whether no secret of ours is there, nor was there one that is lost now."""
        return self.current is None and not any(one.marker for one in self.credentials)

    @property
    def _rules(self) -> tuple[CredentialRestriction, ...]:
        policy = self.policy.value
        return policy.restrictions(self.application.created_date_time) if policy else ()

    def rows(self) -> tuple[Finding, ...]:
        """Policy, secrets on the application, the stored one and its proof."""
        switches = (enabled_row(self.off),) if self.off is not None else ()
        return (
            *switches,
            self._policy_row(),
            self._count_row(),
            self._stored_row(),
            self._proof_row(),
            self._expiry_row(),
        )

    def _policy_row(self) -> Finding:
        source = "Microsoft Graph, default application management policy"
        wanted = f"allows {self.account.secret_lifetime_days} days"
        if self.policy.value is None:
            why = self.policy.unknown or "none is there"
            return Finding(
                "Tenant's policy on secrets",
                wanted,
                "unknown",
                source,
                Comparison.UNKNOWN,
                f"{why}. The service says so itself if the lifetime is too long.",
            )
        if self.forbidden:
            return Finding(
                "Tenant's policy on secrets",
                wanted,
                "forbids client secrets, unless this application or whoever asks is exempt",
                source,
                Comparison.NOTE,
                "An exemption does not show here: asking for a secret tells, and one that is"
                " refused leaves nothing behind.",
            )
        longest = self.longest_days
        if longest is None:
            return Finding("Tenant's policy on secrets", wanted, "no limit", source, Comparison.OK)
        fits = longest >= self.account.secret_lifetime_days
        return Finding(
            "Tenant's policy on secrets",
            wanted,
            f"at most {longest} days",
            source,
            Comparison.OK if fits else Comparison.NOTE,
            "" if fits else f"The secret gets {longest} days, as the policy allows.",
        )

    def _count_row(self) -> Finding:
        ours = sum(1 for one in self.credentials if one.marker)
        orphans = sum(1 for one in self.credentials if one.is_orphan)
        count = len(self.credentials)
        whose = "made by this runbook" if ours == count else f"{ours} of them made by this runbook"
        actual = f"{count}, {whose}" if count else "none"
        return Finding(
            "Secrets on the application",
            f"1 made by this runbook, at most {MAX_SECRETS} in all",
            actual + (f", {orphans} without a stored value" if orphans else ""),
            "Microsoft Graph, applications",
            Comparison.OK if self.current and not orphans else Comparison.DIFFERS,
            is_yet_to_come=self._is_first,
        )

    def _stored_row(self) -> Finding:
        return Finding(
            "Value in the secret store",
            "stored",
            f"stored as {self.where_stored}" if self.current else ABSENT,
            f"secret store {self.account.secret_store}",
            Comparison.OK if self.current else Comparison.DIFFERS,
            is_yet_to_come=self._is_first,
        )

    def _proof_row(self) -> Finding:
        if self.current is None:
            actual, verdict, advice = "nothing to prove", Comparison.DIFFERS, ""
        elif self.is_proven:
            actual, verdict, advice = "works", Comparison.OK, ""
        else:
            actual, verdict = "refused", Comparison.DIFFERS
            advice = str(self.proof.why or self.proof.what) if self.proof else ""
            if self.off is not None:
                actual, verdict = "nobody can tell: the application is off", Comparison.UNKNOWN
        return Finding(
            "Secret works",
            "works",
            actual,
            "a token request to Entra",
            verdict,
            advice,
            is_yet_to_come=self._is_first,
        )

    def _expiry_row(self) -> Finding:
        ends = self.current.seen.end_date_time if self.current else None
        if ends is None:
            return Finding("Expires", "", ABSENT, "Microsoft Graph", Comparison.NOTE)
        return Finding(
            "Expires",
            "",
            f"{ends:%Y-%m-%d}, in {days_left(ends, self.now)}",
            "Microsoft Graph, applications",
            Comparison.NOTE,
            "Put this date into your calendar: Codat stops reading data when the secret ends.",
        )


def days_left(ends: datetime, now: datetime) -> str:
    """How long until a secret ends, in days as a person counts them: `90 days` when just made.

    Args:
        ends: when it ends (UTC).
        now: the time now (UTC).
    """
    # Whoever asked for 90 days a minute ago would wonder about 89.
    days = round((ends - now) / timedelta(days=1))
    return f"{days} day" if days == 1 else f"{days} days"


def _days(duration: str) -> int | None:
    """An Edm.Duration such as P90D in whole days; None in a form that is not known."""
    try:
        return TypeAdapter(timedelta).validate_python(duration).days
    except ValidationError:
        return None
