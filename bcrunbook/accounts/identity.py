"""What a fact about an account is about: never its name alone."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Identity:
    """An account as one configuration means it.

    A name in a file can be given to something else at any time: another tenant, another Codat
    instance, the rehearsal cloud. What was learnt about the one is not true of the other.

    Args:
        account: the account's name.
        cloud: `live` or `rehearsal`.
        tenant: the Entra tenant's id or one of its domains, in lower case.
        instance: the name of the Codat instance, as `instance_name` writes it; empty where the
            file names none, None for what has nothing to do with Codat.
    """

    account: str
    cloud: str
    tenant: str
    instance: str | None = None

    @property
    def apart_from_codat(self) -> Identity:
        """The same for what has nothing to do with Codat."""
        return replace(self, instance=None)

    def __str__(self) -> str:
        instance = f', Codat instance "{self.instance}"' if self.instance else ""
        return f"{self.account} ({self.cloud}, tenant {self.tenant}{instance})"


def instance_name(name: str | None) -> str:
    """A Codat instance's name, such that two spellings of one name are the same text."""
    return " ".join((name or "").split()).casefold()
