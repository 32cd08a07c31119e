"""A rehearsal cloud without sockets, and workspaces that talk to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.opening import open_context
from tests.conftest import keep_secret
from tests.mixups.inprocess import InProcess


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """The handlers of a rehearsal cloud."""
    made = InProcess(tmp_path_factory.mktemp("mixups") / "cloud")
    yield made
    made.close()


@dataclass
class Desk:
    """A workspace in a folder of its own, whose file is written anew before each command."""

    root: Path
    cloud: InProcess
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    customers: dict[str, dict[str, str]] = field(default_factory=dict)
    extra: str = ""

    def account(self, name: str, **values: Any) -> None:
        """Name an account, or change what the file says of it; None leaves a key out."""
        if name not in self.accounts:
            self.accounts[name] = {
                "kind": "trial",
                "cloud": "rehearsal",
                "tenant": world.TENANTS[world.TRIAL].domain,
                "application": "Books",
                "secret_store": "file:../secrets",
                "codat_instance": codat.TRIAL.name,
                "codat_api_key": f"file:../secrets/codat/{name}",
            }
            self.key(name, codat.TRIAL)
        self.accounts[name] |= values

    def key(self, name: str, instance: codat.Instance) -> None:
        """Put an instance's API key where an account's is kept."""
        keep_secret(self.root.parent / "secrets" / "codat", self.cloud.api_key(instance), name)

    def customer(self, account: str, key: str, name: str) -> None:
        """Name a customer, or give the key to another one."""
        self.customers.setdefault(account, {})[key] = name

    def load(self) -> Workspace:
        """The workspace as the file says now."""
        self.root.mkdir(exist_ok=True)
        keep_secret(self.root.parent / "secrets" / "sign-in", self.cloud.batch_secret)
        lines = [f"[rehearsal]\ndir = {json.dumps(str(self.cloud.folder))}", self.extra]
        for name, values in self.accounts.items():
            lines.append(f"[accounts.{name}]")
            given = {key: value for key, value in values.items() if value is not None}
            lines += [f"{key} = {json.dumps(value)}" for key, value in given.items()]
            lines.append(f"[accounts.{name}.sign_in]")
            lines.append(f'method = "client_secret"\nclient_id = "{world.BATCH_CLIENT}"')
            lines.append('secret = "file:../secrets/sign-in/batch"')
            for key, customer in self.customers.get(name, {}).items():
                lines.append(f"[accounts.{name}.customers.{key}]")
                lines.append(f'name = {json.dumps(customer)}\ncontact = "ada@customer.example"')
        (self.root / "accounts.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return load(self.root)

    def run(
        self, account: str, *steps: str, customer: str = "", mode: Mode = Mode.APPLY
    ) -> list[Outcome]:
        """The outcomes of some steps."""
        workspace = self.load()

        async def run_steps() -> list[Outcome]:
            outcomes = []
            for step in steps:
                async with self._open(workspace, account, customer) as context:
                    outcomes.append(await run_in_context(step_named(step), context, mode))
            return outcomes

        return asyncio.run(run_steps())

    def link(self, account: str, customer: str) -> str:
        """A customer's link."""
        workspace = self.load()

        async def fetch() -> str:
            async with self._open(workspace, account, customer) as context:
                return await fetch_link(context)

        return asyncio.run(fetch())

    def _open(self, workspace: Workspace, account: str, customer: str) -> Any:
        whom = workspace.customer(account, customer) if customer else None
        return open_context(workspace, workspace.account(account), customer=whom)


@pytest.fixture
def cloud_here(shared_cloud: InProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    """The same as it was when it was made, and steps talk to it."""
    shared_cloud.begin_anew()
    with shared_cloud.joined(monkeypatch):
        yield shared_cloud


@pytest.fixture
def desk(cloud_here: InProcess, tmp_path: Path) -> Desk:
    """An empty workspace."""
    return Desk(tmp_path / "desk", cloud_here)
