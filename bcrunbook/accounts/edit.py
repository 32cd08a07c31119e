"""Changing single values of an `accounts.toml`, the rest of it left as its author wrote it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from bcrunbook.accounts.file import load
from bcrunbook.accounts.model import FILE_NAME, Account, Workspace
from bcrunbook.atomic_write import atomic_write
from bcrunbook.errors import FixInput
from bcrunbook.secrets import looks_like_secret

EDITABLE: Final = frozenset(
    {"application", "client_id", "secret_description", "secret_lifetime", "tenant"}
)
"""The keys of an account that a person may change in a notebook."""


def problem(account: Account, key: str, value: str) -> str:
    """What does not fit in a value, said before it is written; empty when it fits.

    Args:
        account: the account.
        key: one of `EDITABLE`.
        value: what would be written.
    """
    if looks_like_secret(value):
        return "This looks like a secret, and accounts.toml holds none."
    try:
        with_value(account, key, value)
    except ValidationError:
        return f"Expected {_expected(key)}."
    return ""


def with_value(account: Account, key: str, value: str) -> Account:
    """An account that has nothing but what it must have, and one more value as a file has it.

    Args:
        account: the account whose values it gets.
        key: a key of accounts.toml.
        value: what would be written.

    Raises:
        ValidationError: the value does not fit.
    """
    needed = {name: getattr(account, name) for name in ("name", "kind", "tenant", "application")}
    return Account.model_validate({**needed, key: value})


def amend(root: Path, account: str, values: Mapping[str, str]) -> Workspace:
    """Write values into an account's table.

    Args:
        root: the workspace's folder.
        account: the account's name.
        values: keys of `EDITABLE` and their new values.

    Returns:
        The workspace as it reads now.

    Raises:
        FixInput: a value does not fit, or the file cannot be read or written; it is as before.
    """
    path = root / FILE_NAME
    known = load(root).account(account)
    for key, value in values.items():
        if key not in EDITABLE or problem(known, key, value):
            raise FixInput(
                f"{key} cannot be set to that. Nothing was written.",
                where=f"{path}, accounts.{account}.{key}",
                next=f"give {_expected(key)}" if key in EDITABLE else "change it in the file",
            )
    before = path.read_bytes()
    try:
        document = tomlkit.parse(before.decode("utf-8-sig"))
        accounts: Any = document["accounts"]
        for key, value in values.items():
            _set(accounts[account], key, value)
        atomic_write(path, _as_it_was(before, tomlkit.dumps(document).encode("utf-8")))
    except (OSError, TOMLKitError, UnicodeDecodeError) as error:
        raise FixInput(
            f"accounts.toml cannot be changed from here ({type(error).__name__}).",
            where=str(path),
            next="change it in an editor: " + ", ".join(values),
        ) from None
    try:
        return load(root)
    except FixInput:
        atomic_write(path, before)
        raise


def _set(table: Any, key: str, value: str) -> None:
    """Set a key; a new one goes after the last of its table, above what heads the next table."""
    if key in table or not isinstance(table, Table):
        table[key] = value
        return
    body = table.value.body
    own = (at for at, (name, item) in enumerate(body) if name and not isinstance(item, Table | AoT))
    table.value._insert_at(max(own, default=-1) + 1, key, tomlkit.item(value))


def _as_it_was(before: bytes, after: bytes) -> bytes:
    """The file with the mark at its beginning and the line ends that it had.

    tomlkit's own line ends are those of Unix.
    """
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    if before.count(b"\n") > before.count(b"\r\n") or b"\n" not in before:
        return mark + after
    return mark + after.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _expected(key: str) -> str:
    for name, field in Account.model_fields.items():
        if key in (name, field.alias):
            return field.description or "another value"
    return "another value"
