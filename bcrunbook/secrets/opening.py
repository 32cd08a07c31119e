"""The two doors to kept secrets: a store by its name in `accounts.toml`, a value by reference."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bcrunbook.errors import FixInput, NotFound, nearest
from bcrunbook.secrets import addresses, files
from bcrunbook.secrets.names import VARIABLE, SecretReference
from bcrunbook.secrets.scrubbing import looks_like_secret
from bcrunbook.secrets.stores import EnvironmentStore, FileStore, KeyringStore, SecretStore
from bcrunbook.secrets.system_keyring import keyring_call
from bcrunbook.secrets.value import Secret
from bcrunbook.secrets.vault import VaultOpener, VaultStore, read_from_vault


def open_store(spec: str, root: Path, *, vault: VaultOpener | None = None) -> SecretStore:
    """The store that `secret_store` in `accounts.toml` names. Nothing is read or made yet.

    Args:
        spec: `keyring:SERVICE`, `file:DIR`, `keyvault:https://NAME.vault.azure.net` or
            `env:PREFIX` (the prefix may be empty; read only).
        root: the workspace, from which a relative DIR is meant.
        vault: who opens a Key Vault; without one, a vault's store has names and no values.

    Raises:
        FixInput: there is no such store, or its folder is one that gets shared.
    """
    scheme, colon, rest = spec.strip().partition(":")
    where = "secret_store"
    if looks_like_secret(spec):
        raise FixInput("This looks like a secret, not like a secret store.", where=where)
    if scheme == "keyring" and rest and "/" not in rest:
        return KeyringStore(rest)
    if scheme == "file" and rest:
        return FileStore(rest, root)
    if scheme == "env" and colon and (not rest or VARIABLE.fullmatch(rest)):
        return EnvironmentStore(rest)
    if scheme == "keyvault":
        addresses.refuse_other_clouds(rest, where)
        if (url := addresses.vault_url(rest)) is not None:
            return VaultStore(url, vault)
    schemes = ("keyring", "file", "keyvault")
    hint = "" if scheme in (*schemes, "env") else nearest(scheme, schemes)
    raise FixInput(
        "This is not a secret store." + (f" {hint.capitalize()}" if hint else ""),
        where=where,
        next='write "keyring:SERVICE" (SERVICE without a slash), "file:DIR" or '
        f'"keyvault:{addresses.VAULT_FORM}"',
    )


async def read(
    reference: SecretReference, root: Path, *, vault: VaultOpener | None = None
) -> Secret:
    """The value that a reference stands for.

    Args:
        reference: where it is kept.
        root: the workspace, from which a relative file is meant.
        vault: who opens a Key Vault; without one, nothing is read from there.

    Raises:
        NotFound: there is no value; says where it was looked for.
        FixInput: the address cannot be used; says why.
        AskAdministrator, SignInAgain, WaitAndRetry, Unreachable: the vault does not answer.
    """
    if reference.scheme == "keyring":
        service, _, name = reference.rest.partition("/")
        text = await keyring_call(lambda ring: ring.get_password(service, name), service)
        address = f"the system keyring, service {service!r}, user name {name!r}"
        advice = f"run `keyring set {service} {name}` and paste the secret there"
    elif reference.scheme == "file":
        path = files.beneath(root, reference.rest)
        text = await asyncio.to_thread(files.load, path, None)
        address, advice = f"the file {path}", "make the file with the secret as its only line"
    elif reference.scheme == "env":
        text = os.environ.get(reference.rest)
        address = f"the environment variable {reference.rest}"
        advice = "set it for this process"
    else:
        kept = await read_from_vault(reference.rest, vault)
        text = kept.reveal() if kept is not None else None
        address, advice = reference.rest, "make a secret of this name in the vault, or correct it"
    if not text:
        raise NotFound("There is no secret here, or it is empty.", where=address, next=advice)
    return Secret(text)
