"""Which Codat instance an API key belongs to, against the one that the account means."""

from __future__ import annotations

from bcrunbook.accounts import Account, instance_name
from bcrunbook.errors import FixInput
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Ledger
from bcrunbook.order import CODAT_KEYS
from bcrunbook.services.codat.models import Profile


def check_instance(account: Account, profile: Profile, ledger: Ledger | None = None) -> None:
    """Refuse to go on with an API key of another instance than the account means.

    Codat's client asks it before anything else is read or written. An account that names no
    instance means the one that its key led to first.

    Args:
        account: the account.
        profile: the instance that the key belongs to.
        ledger: where the instance is noted that an account without a name for one was used with.

    Raises:
        FixInput: names both.
    """
    found, wanted = instance_name(profile.name), account.codat_instance
    if wanted is None and ledger is not None:
        known = ledger.latest(Scope(account.identity, CODAT_KEYS), FactKind.INSTANCE)
        if known is None:
            data = {"name": profile.name}
            ledger.record(
                Scope(account.identity, CODAT_KEYS), FactKind.INSTANCE, found, "observed", data
            )
        elif known.subject != found:
            wanted = str(known.data["name"])
    if wanted is None or instance_name(wanted) == found:
        return
    named = account.codat_instance is not None
    raise FixInput(
        f'The API key belongs to the Codat instance "{profile.name}", and this account to'
        f' "{wanted}".',
        where=f'account "{account.name}", codat_instance and codat_api_key',
        why="test and live instances have separate keys, and these two were mixed up"
        if named
        else "the key that is kept there led to another instance before",
        next=f'put an API key of "{wanted}" where codat_api_key says, or correct codat_instance in'
        " accounts.toml"
        if named
        else f'put an API key of "{wanted}" where codat_api_key says, or write'
        f' codat_instance = "{profile.name}" into accounts.toml if that one is meant now',
        section="codat_keys#which-instance",
    )
