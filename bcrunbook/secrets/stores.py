"""Where secret values are kept on this machine, and the references by which they are found.

A reference is `scheme:rest` and is no secret: it may stand in `accounts.toml`, a notebook or the
ledger.

    keyring:SERVICE/NAME   the system's keyring (Windows, macOS, Secret Service)
    file:PATH              one file per value, readable by its owner only
    env:NAME               an environment variable, read only
    keyvault:VAULT/NAME    reserved; understood, and refused when read

A value is in its store, whole, before `put` returns, or it is not there at all: a client secret
can be read from its service once and never again.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final, Protocol, TypeVar

from ..errors import FixInput, NotFound, nearest
from . import files
from .scrubbing import looks_like_secret, scrub
from .value import Secret

_T = TypeVar("_T")

_SCHEMES: Final = ("keyring", "file", "env", "keyvault")
_FORMS: Final = "keyring:SERVICE/NAME, file:PATH, env:NAME or keyvault:VAULT/NAME"
_NAME: Final = re.compile(r"[a-z0-9-]+(?:/[a-z0-9-]+)*")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_USE_FILES: Final = (
    'keep secrets in files instead: secret_store = "file:secrets" in accounts.toml, '
    "or unlock the keyring and run again"
)


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept; prints as `scheme:rest`.

    Attributes:
        scheme: `keyring`, `file`, `env` or `keyvault`.
        rest: what the scheme needs to find the value.
    """

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: str, where: str) -> SecretReference:
        """Read a reference.

        Args:
            text: `scheme:rest`.
            where: the file and key, or the parameter, that holds it, for the error.

        Raises:
            FixInput: it is not a reference. The text is not repeated: it may be the secret.
        """
        scheme, colon, rest = text.strip().partition(":")
        if looks_like_secret(text) or (colon and looks_like_secret(rest)):
            raise FixInput(
                "This looks like a secret itself; what belongs here is where it is kept.",
                where=where,
                why="a secret in a file or a parameter is read by everybody who reads those",
                next=f"put the secret in its store, and write {_FORMS} here; "
                "if the file was shared, replace the secret too",
            )
        if not colon or scheme not in _SCHEMES:
            # Only something close to a scheme is repeated; anything else may be a secret.
            hint = nearest(scheme, _SCHEMES) if colon else ""
            raise FixInput(
                "This is not a reference to a secret." + (f" {hint.capitalize()}" if hint else ""),
                where=where,
                next=f"write {_FORMS}",
            )
        fits = {
            "keyring": lambda: all(part.strip() for part in rest.partition("/")),
            "file": lambda: bool(rest.strip()),
            "env": lambda: _VARIABLE.fullmatch(rest) is not None,
            "keyvault": lambda: all(part.strip() for part in rest.partition("/")),
        }
        if not fits[scheme]():
            form = next(part for part in re.split(r", | or ", _FORMS) if part.startswith(scheme))
            raise FixInput(
                f"This {scheme} reference is not complete.", where=where, next=f"write {form}"
            )
        return cls(scheme, rest)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


class SecretStore(Protocol):
    """A place that keeps secrets by name; names are lower-case, like `trial/3f2a9c`."""

    @property
    def writable(self) -> bool:
        """Whether `put` and `delete` work here."""

    def reference(self, name: str) -> SecretReference:
        """The reference under which `read` finds the secret of this name."""

    async def put(self, name: str, value: Secret) -> SecretReference:
        """Keep a value, whole and durable, replacing one of the same name."""

    async def get(self, name: str) -> Secret | None:
        """The value, or None when there is none of this name."""

    async def delete(self, name: str) -> None:
        """Remove the value; it is no error when there is none."""

    async def probe(self) -> None:
        """Write a random value, read it back and remove it.

        Raises:
            FixInput: the store does not keep what it is given; says what to use instead.
        """


def open_store(spec: str, root: Path) -> SecretStore:
    """The store that `secret_store` in `accounts.toml` names. Nothing is read or made yet.

    Args:
        spec: `keyring:SERVICE`, `file:DIR` or `env:PREFIX` (the prefix may be empty; read only).
        root: the workspace, from which a relative DIR is meant.

    Raises:
        FixInput: there is no such store, or its folder is in a place that gets shared.
    """
    scheme, colon, rest = spec.strip().partition(":")
    where = "secret_store"
    if looks_like_secret(spec):
        raise FixInput("This looks like a secret, not like a secret store.", where=where)
    if scheme == "keyring" and rest and "/" not in rest:
        return _KeyringStore(rest)
    if scheme == "file" and rest:
        return _FileStore(rest, root)
    if scheme == "env" and colon and (not rest or _VARIABLE.fullmatch(rest)):
        return _EnvironmentStore(rest)
    hint = "" if scheme in ("keyring", "file", "env") else nearest(scheme, ("keyring", "file"))
    raise FixInput(
        "This is not a secret store." + (f" {hint.capitalize()}" if hint else ""),
        where=where,
        next='write "keyring:SERVICE" (SERVICE without a slash) or "file:DIR"',
    )


async def read(reference: SecretReference, root: Path) -> Secret:
    """The value that a reference stands for.

    Args:
        reference: where it is kept.
        root: the workspace, from which a relative file is meant.

    Raises:
        NotFound: there is no value; says where it was looked for.
        FixInput: the place cannot be used; says why.
    """
    if reference.scheme == "keyring":
        service, _, name = reference.rest.partition("/")
        text = await _keyring(lambda ring: ring.get_password(service, name), service)
        place = f"the system keyring, service {service!r}, user name {name!r}"
        advice = f"run `keyring set {service} {name}` and paste the secret there"
    elif reference.scheme == "file":
        path = files.beneath(root, reference.rest)
        text = await asyncio.to_thread(files.load, path, None)
        place, advice = f"the file {path}", "make the file with the secret as its only line"
    elif reference.scheme == "env":
        text = os.environ.get(reference.rest)
        place = f"the environment variable {reference.rest}"
        advice = "set it for this process"
    else:
        raise FixInput(
            "Key Vault is not supported in this version.",
            where=str(reference),
            next="use keyring:SERVICE/NAME, file:PATH or env:NAME",
        )
    if not text:
        raise NotFound("There is no secret here, or it is empty.", where=place, next=advice)
    return Secret(text)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise FixInput(
            "A secret cannot have this name.",
            where=scrub(name, "an error"),
            why="names are lower-case letters, digits and dashes, in parts joined by slashes",
        )
    return name


async def _round_trip(store: SecretStore, advice: str) -> None:
    name, value = f"probe/{token_hex(6)}", Secret(token_urlsafe(24))
    try:
        await store.put(name, value)
        kept = await store.get(name)
    finally:
        await store.delete(name)
    if kept != value:
        raise FixInput(
            "The secret store does not keep what it is given.",
            where=str(store.reference(name)).rsplit("/probe", 1)[0],
            next=advice,
        )


class _KeyringStore:
    """The system's keyring; `keyring` may choose a backend that fails or keeps nothing."""

    writable: Final = True

    def __init__(self, service: str) -> None:
        self._service = service

    def reference(self, name: str) -> SecretReference:
        return SecretReference("keyring", f"{self._service}/{_checked(name)}")

    async def put(self, name: str, value: Secret) -> SecretReference:
        reference = self.reference(name)

        def keep(ring: _Keyring) -> str | None:
            ring.set_password(self._service, name, value.reveal())
            return ring.get_password(self._service, name)

        # Read back at once: a backend that keeps nothing reports success (keyring #569).
        if await _keyring(keep, self._service) != value.reveal():
            raise FixInput(
                "The system keyring took a secret and did not keep it.",
                where=f"keyring service {self._service!r}",
                why="this machine has no keyring, or one that stores nothing",
                next=_USE_FILES,
            )
        return reference

    async def get(self, name: str) -> Secret | None:
        _checked(name)
        text = await _keyring(lambda ring: ring.get_password(self._service, name), self._service)
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        def drop(ring: _Keyring) -> None:
            # Deleting what is not there is an error in some backends and none in others.
            if ring.get_password(self._service, name) is not None:
                ring.delete_password(self._service, name)

        _checked(name)
        await _keyring(drop, self._service)

    async def probe(self) -> None:
        await _round_trip(self, _USE_FILES)


class _Keyring(Protocol):
    """The part of the keyring library that is used here."""

    def get_password(self, service: str, name: str, /) -> str | None: ...
    def set_password(self, service: str, name: str, value: str, /) -> None: ...
    def delete_password(self, service: str, name: str, /) -> None: ...


# Backends talk to one session over one connection, and few expect two threads.
_one_at_a_time = threading.Lock()


async def _keyring(call: Callable[[_Keyring], _T], service: str) -> _T:
    def work() -> _T:
        import keyring

        with _one_at_a_time:
            return call(keyring.get_keyring())

    try:
        return await asyncio.to_thread(work)
    except Exception as error:
        # Backends raise what their platform raises; there is no common root.
        raise FixInput(
            "The system keyring cannot be used here.",
            where=f"keyring service {service!r}",
            why=scrub(f"{type(error).__name__}: {error}", "an error").split("\n")[0],
            next=_USE_FILES,
        ) from None


class _FileStore:
    """One file per secret in a folder that only its owner can open."""

    writable: Final = True

    def __init__(self, folder: str, root: Path) -> None:
        self._spelled = folder.rstrip("/\\") or folder
        self._folder = files.beneath(root, folder)
        runs = (root / "runs").resolve()
        if self._folder.resolve().is_relative_to(runs):
            raise FixInput(
                "Secrets cannot be kept in the runs folder.",
                where=f"secret_store, folder {self._folder}",
                why="reports in runs are made to be passed on",
                next='name another folder, such as "file:secrets"',
            )

    def reference(self, name: str) -> SecretReference:
        return SecretReference("file", f"{self._spelled}/{_checked(name)}")

    async def put(self, name: str, value: Secret) -> SecretReference:
        reference = self.reference(name)
        await asyncio.to_thread(files.save, self._folder / name, value.reveal(), self._folder)
        return reference

    async def get(self, name: str) -> Secret | None:
        text = await asyncio.to_thread(files.load, self._folder / _checked(name), self._folder)
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(files.remove, self._folder / _checked(name), self._folder)

    async def probe(self) -> None:
        await _round_trip(self, "choose a folder on a disk of this machine")


class _EnvironmentStore:
    """Environment variables: `trial/codat-key` with the prefix `CI_` is `CI_TRIAL_CODAT_KEY`."""

    writable: Final = False

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def reference(self, name: str) -> SecretReference:
        variable = self._prefix + _checked(name).upper().replace("/", "_").replace("-", "_")
        return SecretReference("env", variable)

    async def put(self, name: str, value: Secret) -> SecretReference:
        raise self._read_only()

    async def get(self, name: str) -> Secret | None:
        text = os.environ.get(self.reference(name).rest)
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        raise self._read_only()

    async def probe(self) -> None:
        raise self._read_only()

    def _read_only(self) -> FixInput:
        return FixInput(
            "The environment can be read, but a new secret cannot be kept there.",
            where=f"secret_store env:{self._prefix}",
            next='use "keyring:SERVICE" or "file:DIR"',
        )
