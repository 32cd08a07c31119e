"""What earlier runs saw of the extension in an environment.

Without it "uninstalled", "unpublished" and "never installed" look alike (contract B7.8).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self

from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import LINK_CUSTOMER
from bcrunbook.steps.context import Context
from bcrunbook.steps.link_customer.installation.poll import Package

TENANT_PACKAGE: Final = "pte"


@dataclass(frozen=True)
class LastKnownExtension:
    """The newest package that was seen installed, and when.

    Args:
        package: the row with the highest version seen.
        first_seen: when any version was seen first (UTC).
        last_seen: when any version was seen last (UTC).
    """

    package: Package
    first_seen: datetime
    last_seen: datetime

    @property
    def is_tenant_package(self) -> bool:
        """Whether it was published for the tenant alone, and so keeps a row when uninstalled."""
        return self.package.published_as.lower() == TENANT_PACKAGE

    def seen_again(self, package: Package, at: datetime) -> LastKnownExtension:
        """What is remembered after `package` was seen installed."""
        newest = max(self.package, package, key=lambda one: one.version)
        return replace(self, package=newest, last_seen=max(self.last_seen, at))

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        one = self.package
        return {
            "app_id": one.app_id,
            "package_id": one.package_id,
            "version": list(one.version),
            "published_as": one.published_as,
            "first_seen": self.first_seen.isoformat(),
            "last_seen": self.last_seen.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """As the ledger has it."""
        return cls(
            Package(
                data["app_id"],
                data["package_id"],
                tuple(data["version"]),
                data["published_as"],
                is_installed=True,
            ),
            datetime.fromisoformat(data["first_seen"]),
            datetime.fromisoformat(data["last_seen"]),
        )


def remembered(
    known: LastKnownExtension | None, package: Package, at: datetime
) -> LastKnownExtension:
    """What is known once `package` was seen installed at `at`."""
    return known.seen_again(package, at) if known else LastKnownExtension(package, at, at)


def recall(context: Context, environment: str) -> LastKnownExtension | None:
    """What the ledger knows of the extension in an environment; None where it was never seen.

    Args:
        context: the context, with a customer.
        environment: under what it is remembered (see `WatchedEnvironment.name`).
    """
    fact = context.ledger.latest(
        Scope(context.identity, LINK_CUSTOMER, context.customer_name),
        FactKind.EXTENSION,
        environment,
    )
    return LastKnownExtension.from_dict(fact.data) if fact is not None else None
