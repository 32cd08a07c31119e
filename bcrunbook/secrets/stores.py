"""What a secret store is, and the stores of this machine: keyring, files, environment.

A value is in its store, whole, before `put` returns, or it is not there at all: a client secret
can be read from its service once and never again.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final, Protocol

from bcrunbook.errors import FixInput
from bcrunbook.secrets import files
from bcrunbook.secrets.names import SecretReference, checked
from bcrunbook.secrets.system_keyring import USE_FILES, Keyring, keyring_call
from bcrunbook.secrets.value import Secret
from bcrunbook.skipped import dates

_LIFE_OF_A_PROBE: Final = timedelta(days=1)


class SecretStore(Protocol):
    """A place that keeps secrets by name; names are lower-case, like `trial/3f2a9c`."""

    @property
    def writable(self) -> bool:
        """Whether `put` and `delete` work here."""

    def reference(self, name: str) -> SecretReference:
        """The reference under which `read` finds the secret of this name."""

    async def put(
        self, name: str, value: Secret, *, ends: datetime | None = None
    ) -> SecretReference:
        """Keep a value, whole and durable, replacing one of the same name.

        Args:
            name: its name.
            value: the value.
            ends: when it ceases to be of use, for a store that notes such a thing.
        """

    async def get(self, name: str) -> Secret | None:
        """The value, or None when there is none of this name."""

    async def delete(self, name: str) -> None:
        """Remove the value; it is no error when there is none."""

    async def probe(self, *, ends: datetime | None = None) -> None:
        """Write a random value, read it back and remove it.

        Args:
            ends: when the secret that is to follow ceases to be of use.

        Raises:
            FixInput: the store does not keep what it is given; says what to use instead.
        """


async def round_trip(store: SecretStore, ends: datetime | None, advice: str) -> None:
    """Write a random value to a store, read it back and remove it.

    Raises:
        FixInput: it did not come back; `advice` says what to do.
    """
    name, value = f"probe/{token_hex(6)}", Secret(token_urlsafe(24))
    try:
        await store.put(name, value, ends=ends or dates.now() + _LIFE_OF_A_PROBE)
        kept = await store.get(name)
    finally:
        await store.delete(name)
    if kept != value:
        raise FixInput(
            "The secret store does not keep what it is given.",
            where=str(store.reference(name)).rsplit("/probe", 1)[0],
            next=advice,
        )


class KeyringStore:
    """The system's keyring; `keyring` may choose a backend that fails or keeps nothing."""

    writable = True

    def __init__(self, service: str) -> None:
        self._service = service

    def reference(self, name: str) -> SecretReference:
        """The address of a secret: `keyring:SERVICE/NAME`."""
        return SecretReference("keyring", f"{self._service}/{checked(name)}")

    async def put(
        self, name: str, value: Secret, *, ends: datetime | None = None
    ) -> SecretReference:
        """Keep a value, and see that it is kept.

        Raises:
            FixInput: the keyring cannot be used, or keeps nothing.
        """
        reference = self.reference(name)

        def keep(ring: Keyring) -> str | None:
            ring.set_password(self._service, name, value.reveal())
            return ring.get_password(self._service, name)

        # Read back at once: a backend that keeps nothing reports success (keyring #569).
        if await keyring_call(keep, self._service) != value.reveal():
            raise FixInput(
                "The system keyring took a secret and did not keep it.",
                where=f"keyring service {self._service!r}",
                why="this machine has no keyring, or one that stores nothing",
                next=USE_FILES,
            )
        return reference

    async def get(self, name: str) -> Secret | None:
        """The value, or None when there is none of this name."""
        checked(name)
        text = await keyring_call(
            lambda ring: ring.get_password(self._service, name), self._service
        )
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        """Remove the value; it is no error when there is none."""

        def drop(ring: Keyring) -> None:
            # Deleting what is not there is an error in some backends and none in others.
            if ring.get_password(self._service, name) is not None:
                ring.delete_password(self._service, name)

        checked(name)
        await keyring_call(drop, self._service)

    async def probe(self, *, ends: datetime | None = None) -> None:
        """Write a random value, read it back and remove it."""
        await round_trip(self, ends, USE_FILES)


class FileStore:
    """One file per secret in a folder that only its owner can open."""

    writable = True

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
        """The address of a secret: `file:FOLDER/NAME`."""
        return SecretReference("file", f"{self._spelled}/{checked(name)}")

    async def put(
        self, name: str, value: Secret, *, ends: datetime | None = None
    ) -> SecretReference:
        """Keep a value in a file of its own."""
        reference = self.reference(name)
        await asyncio.to_thread(files.save, self._folder / name, value.reveal(), self._folder)
        return reference

    async def get(self, name: str) -> Secret | None:
        """The value, or None when there is none of this name."""
        text = await asyncio.to_thread(files.load, self._folder / checked(name), self._folder)
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        """Remove the value; it is no error when there is none."""
        await asyncio.to_thread(files.remove, self._folder / checked(name), self._folder)

    async def probe(self, *, ends: datetime | None = None) -> None:
        """Write a random value, read it back and remove it."""
        await round_trip(self, ends, "choose a folder on a disk of this machine")


class EnvironmentStore:
    """Environment variables: `trial/codat-key` with the prefix `CI_` is `CI_TRIAL_CODAT_KEY`."""

    writable = False

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def reference(self, name: str) -> SecretReference:
        """The address of a secret: `env:VARIABLE`."""
        variable = self._prefix + checked(name).upper().replace("/", "_").replace("-", "_")
        return SecretReference("env", variable)

    async def put(
        self, name: str, value: Secret, *, ends: datetime | None = None
    ) -> SecretReference:
        """Refuse: the environment is only read."""
        raise self._read_only()

    async def get(self, name: str) -> Secret | None:
        """The variable's value, or None when it is not set or empty."""
        text = os.environ.get(self.reference(name).rest)
        return Secret(text) if text else None

    async def delete(self, name: str) -> None:
        """Refuse: the environment is only read."""
        raise self._read_only()

    async def probe(self, *, ends: datetime | None = None) -> None:
        """Refuse: the environment is only read."""
        raise self._read_only()

    def _read_only(self) -> FixInput:
        return FixInput(
            "The environment can be read, but a new secret cannot be kept there.",
            where=f"secret_store env:{self._prefix}",
            next='use "keyring:SERVICE" or "file:DIR"',
        )
