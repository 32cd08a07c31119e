"""Draws histories of commands and edits, plays them, and judges every write by what was meant.

The judge knows nothing of how the program remembers or compares. It knows what the people of the
history know: who each customer really is, who had which application and company made, what
accounts.toml says at the moment of a command; and it looks at what has changed in the cloud.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bcrunbook.accounts import load
from bcrunbook.core.confirmations import confirm
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode, Outcome
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import API_PERMISSIONS, CLIENT_SECRET, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.records import COMPANY, CONNECTION
from bcrunbook.rehearsal.directory import APPLICATION, GRANT, SERVICE_PRINCIPAL
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import fetch_link
from bcrunbook.steps.opening import open_context
from tests.conftest import keep_secret
from tests.mixups.inprocess import INSTANCES, TENANTS, InProcess, Records

NAMES = ("books", "main", "trial")
APPLICATIONS = ("Books", "Ledger reader", "Team B connector")
ENTITIES = ("Tidewater Joinery", "Brackenfield Bakery", "Saltmarsh Lab", "Longbarrow Coop")
KEYS = ("c1", "c2", "c3")
DRAWN = (
    REGISTER_APPLICATION,
    CLIENT_SECRET,
    API_PERMISSIONS,
    START_HERE,
    REGISTER_APPLICATION,
)
"""What steps are drawn from: the one that may make an application comes twice as often."""
LINK = "link_customer"


class Wrong(AssertionError):
    """Something was written that nobody meant."""


@dataclass
class Customer:
    """A row of a customers' table: who it really is, and what the row calls them."""

    entity: str
    name: str


@dataclass
class Account:
    """What accounts.toml says of an account."""

    tenant: str
    spelled_as_domain: bool
    application: str
    instance: codat.Instance
    names_instance: bool
    key_of: codat.Instance
    client_id: str = ""
    kind: str = "trial"
    customers: dict[str, Customer] = field(default_factory=dict)


@dataclass
class DrawnWorkspace:
    """A workspace: its folder, and what its accounts.toml says."""

    root: Path
    accounts: dict[str, Account]
    secrets: Path
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    """By account and application: the name under which the account's last write left it."""


@dataclass
class Made:
    """What people know of what there is: whose it is."""

    company_of: dict[str, str] = field(default_factory=dict)
    """By company: the entity it was made for."""
    instance_of: dict[tuple[str, str], str] = field(default_factory=dict)
    """By workspace and account: the instance it was first used with where it names none."""


class History:
    """One history.

    Args:
        cloud: the cloud, as it was when it was made.
        folder: an empty folder.
        seed: what it is drawn with.
        empty_ledger: a ledger that has its tables.
    """

    def __init__(self, cloud: InProcess, folder: Path, seed: int, empty_ledger: Path) -> None:
        self.random = Random(seed)
        self._empty_ledger = empty_ledger
        self.cloud = cloud
        self.folder = folder
        self.made = Made()
        self.story: list[str] = []
        self.workspaces: list[DrawnWorkspace] = []
        self._store = folder / "secrets"
        keep_secret(self._store / "sign-in", cloud.batch_secret)
        self._add_workspace(folder / "one")
        if self.random.random() < 0.6:
            self._add_workspace(folder / "two")

    # -- what is drawn ---------------------------------------------------------------------------

    def _add_workspace(self, root: Path) -> DrawnWorkspace:
        root.mkdir()
        shutil.copy(self._empty_ledger, root / "ledger.db")
        workspace = DrawnWorkspace(root, {}, self._store)
        self.workspaces.append(workspace)
        for name in self.random.sample(NAMES, self.random.choice((1, 1, 2))):
            self._add_account(workspace, name)
        return workspace

    def _add_account(self, workspace: DrawnWorkspace, name: str) -> None:
        free = [
            one for one in INSTANCES if one not in {a.instance for a in workspace.accounts.values()}
        ]
        if not free:
            return
        instance = self.random.choice(free)
        entities = self.random.sample(ENTITIES, self.random.choice((1, 2)))
        workspace.accounts[name] = Account(
            tenant=self.random.choice(TENANTS),
            spelled_as_domain=self.random.random() < 0.5,
            application=self.random.choice(APPLICATIONS),
            instance=instance,
            names_instance=self.random.random() < 0.8,
            key_of=instance,
            customers={
                key: Customer(entity, entity) for key, entity in zip(KEYS, entities, strict=False)
            },
        )

    def _save(self, workspace: DrawnWorkspace) -> None:
        """Write accounts.toml and the keys as they are now."""
        lines = [
            f"[rehearsal]\ndir = {json.dumps(str(self.cloud.folder))}\n",
        ]
        for name, one in workspace.accounts.items():
            # A key lies in a place of its own for each account: what lies there may be changed.
            keep_secret(
                self._store / "codat",
                self.cloud.api_key(one.key_of),
                f"{workspace.root.name}-{name}",
            )
            tenant = world.TENANTS[one.tenant]
            keys: dict[str, Any] = {
                "kind": one.kind,
                "cloud": "rehearsal",
                "tenant": tenant.domain if one.spelled_as_domain else tenant.id,
                "application": one.application,
                "secret_store": "file:../secrets",
                "codat_api_key": f"file:../secrets/codat/{workspace.root.name}-{name}",
            }
            if one.names_instance:
                keys["codat_instance"] = one.instance.name
            if one.client_id:
                keys["client_id"] = one.client_id
            lines.append(f"[accounts.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
            lines.append(f"[accounts.{name}.sign_in]")
            lines.append(f'method = "client_secret"\nclient_id = "{world.BATCH_CLIENT}"')
            lines.append('secret = "file:../secrets/sign-in/batch"')
            for key, customer in one.customers.items():
                lines.append(f"[accounts.{name}.customers.{key}]")
                lines.append(f"name = {json.dumps(customer.name)}")
                lines.append('contact = "ada@customer.example"')
        (workspace.root / "accounts.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _note(self, text: str) -> None:
        self.story.append(text)

    # -- edits -----------------------------------------------------------------------------------

    def edit(self) -> None:
        """Something is changed between two commands: in a file, in the portal, in the cloud."""
        workspace = self.random.choice(self.workspaces)
        name = self.random.choice(list(workspace.accounts))
        account = workspace.accounts[name]
        edits = [
            self._retarget,
            self._swap_accounts,
            self._swap_customers,
            self._rename_account,
            self._rename_application_in_file,
            self._rename_customer,
            self._move_customer,
            self._mix_up_keys,
            self._other_instance,
            self._respell,
            self._copy_workspace,
            self._lose_ledger,
            self._delete_application,
            self._rename_application,
            self._rename_company,
            self._delete_company,
            self._adopt,
            self._stop_adopting,
        ]
        self.random.choice(edits)(workspace, name, account)

    def _retarget(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        account.tenant = self.random.choice(TENANTS)
        self._note(f"{workspace.root.name}/{name}: tenant = {world.TENANTS[account.tenant].domain}")

    def _swap_accounts(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        if len(workspace.accounts) > 1:
            one, other = list(workspace.accounts)
            accounts = workspace.accounts
            accounts[one], accounts[other] = accounts[other], accounts[one]
            self._note(f"{workspace.root.name}: {one} and {other} swapped")

    def _swap_customers(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        keys = list(account.customers)
        values = list(account.customers.values())
        self.random.shuffle(values)
        account.customers = dict(zip(keys, values, strict=True))
        if len(keys) == 1:
            entity = self.random.choice(ENTITIES)
            account.customers = {keys[0]: Customer(entity, entity)}
        names = {key: one.name for key, one in account.customers.items()}
        self._note(f"{workspace.root.name}/{name}: customers {names}")

    def _rename_account(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        free = [one for one in NAMES if one not in workspace.accounts]
        new = self.random.choice(free)
        workspace.accounts = {
            (new if key == name else key): one for key, one in workspace.accounts.items()
        }
        self._note(f"{workspace.root.name}: {name} is called {new}")

    def _rename_application_in_file(
        self, workspace: DrawnWorkspace, name: str, account: Account
    ) -> None:
        account.application = self.random.choice(APPLICATIONS)
        self._note(f"{workspace.root.name}/{name}: application = {account.application}")

    def _rename_customer(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        customer = self.random.choice(list(account.customers.values()))
        customer.name = customer.entity + self.random.choice((" Ltd", "", " Group"))
        self._note(f"{workspace.root.name}/{name}: {customer.entity} is called {customer.name}")

    def _move_customer(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        key = self.random.choice(list(account.customers))
        free = [one for one in KEYS if one not in account.customers]
        account.customers[self.random.choice(free)] = account.customers.pop(key)
        names = {key: one.name for key, one in account.customers.items()}
        self._note(f"{workspace.root.name}/{name}: customers {names}")

    def _mix_up_keys(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        account.key_of = self.random.choice(INSTANCES)
        self._note(f"{workspace.root.name}/{name}: its API key is of {account.key_of.name}")

    def _other_instance(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        used = {one.instance for one in workspace.accounts.values() if one is not account}
        free = [one for one in INSTANCES if one not in used]
        account.instance = account.key_of = self.random.choice(free)
        account.names_instance = True
        self._note(f"{workspace.root.name}/{name}: instance = {account.instance.name}")

    def _respell(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        account.spelled_as_domain = not account.spelled_as_domain
        self._note(f"{workspace.root.name}/{name}: tenant spelled the other way")

    def _copy_workspace(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        if len(self.workspaces) > 2:
            return
        root = self.folder / ("one", "two", "three")[len(self.workspaces)]
        if root.exists():
            return
        self._save(workspace)
        with_ledger = self.random.random() < 0.5
        shutil.copytree(
            workspace.root,
            root,
            ignore=None if with_ledger else shutil.ignore_patterns("ledger.db*"),
        )
        copied = {
            key: Account(
                **{
                    **vars(one),
                    "customers": {k: Customer(**vars(c)) for k, c in one.customers.items()},
                }
            )
            for key, one in workspace.accounts.items()
        }
        named = dict(workspace.named) if with_ledger else {}
        self.workspaces.append(DrawnWorkspace(root, copied, workspace.secrets, named))
        if with_ledger:
            for key in workspace.accounts:
                if (workspace.root.name, key) in self.made.instance_of:
                    first = self.made.instance_of[workspace.root.name, key]
                    self.made.instance_of[root.name, key] = first
        self._note(f"{root.name} is a copy of {workspace.root.name}, ledger: {with_ledger}")

    def _lose_ledger(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        for file in workspace.root.glob("ledger.db*"):
            file.unlink()
        shutil.copy(self._empty_ledger, workspace.root / "ledger.db")
        workspace.named.clear()
        for key in [one for one in self.made.instance_of if one[0] == workspace.root.name]:
            del self.made.instance_of[key]
        self._note(f"{workspace.root.name}: the ledger is deleted")

    def _applications(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for tenant in TENANTS:
            for key, document in self.cloud.seen().get((APPLICATION, tenant), {}).items():
                if document["displayName"] in (*APPLICATIONS, "Renamed"):
                    yield tenant, key, document

    def _delete_application(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        found = list(self._applications())
        if found:
            tenant, key, document = self.random.choice(found)
            self.cloud.delete(APPLICATION, tenant, key)
            self._note(f"{document['displayName']} ({document['appId'][:8]}) is deleted")

    def _rename_application(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        found = list(self._applications())
        if found:
            tenant, key, document = self.random.choice(found)
            new = self.random.choice((*APPLICATIONS, "Renamed"))
            self.cloud.change(APPLICATION, tenant, key, displayName=new)
            self._note(f"{document['displayName']} ({document['appId'][:8]}) is called {new}")

    def _companies(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            (instance.id, key, document)
            for instance in INSTANCES
            for key, document in self.cloud.seen().get((COMPANY, instance.id), {}).items()
            if key in self.made.company_of
        ]

    def _rename_company(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        if found := self._companies():
            instance, key, document = self.random.choice(found)
            new = self.made.company_of[key] + self.random.choice((" plc", ""))
            self.cloud.change(COMPANY, instance, key, name=new)
            self._note(f"the company {document['name']} is called {new}")

    def _delete_company(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        if found := self._companies():
            instance, key, document = self.random.choice(found)
            self.cloud.delete(COMPANY, instance, key)
            self._note(f"the company {document['name']} is deleted")

    def _adopt(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        found = [one for one in self._applications() if one[0] == account.tenant]
        if found:
            account.client_id = self.random.choice(found)[2]["appId"]
            self._note(f"{workspace.root.name}/{name}: client_id = {account.client_id[:8]}")

    def _stop_adopting(self, workspace: DrawnWorkspace, name: str, account: Account) -> None:
        account.client_id = ""
        self._note(f"{workspace.root.name}/{name}: no client_id")

    # -- commands --------------------------------------------------------------------------------

    def command(self) -> None:
        """Somebody runs a step, fetches a link, or answers a question; every write is judged."""
        self.cloud.forget_limits()
        workspace = self.random.choice(self.workspaces)
        name = self.random.choice(list(workspace.accounts))
        account = workspace.accounts[name]
        self._save(workspace)
        key = self.random.choice(list(account.customers))
        what = self.random.choice(("account", "account", "customer", "customer", "fetch"))
        if what == "fetch":
            self._fetch(workspace, name, account, key)
            return
        step = LINK if what == "customer" else self.random.choice(DRAWN)
        mode = Mode.PLAN if self.random.random() < 0.15 else Mode.APPLY
        customer = key if step == LINK else None
        before = self.cloud.seen()
        outcome = asyncio.run(_run(workspace.root, name, customer, step, mode))
        command = f"{workspace.root.name}/{name} {step} {customer or ''} {mode.value}"
        self._note(f"{command}: {outcome.state.value}: {outcome.summary}")
        self._judge(workspace, name, account, customer, mode, before, outcome)
        if outcome.state.value == "needs_person":
            self._answer(workspace, name, account, customer, outcome)

    def _answer(
        self,
        workspace: DrawnWorkspace,
        name: str,
        account: Account,
        customer: str | None,
        outcome: Outcome,
    ) -> None:
        """A person answers what they are asked, truly, or leaves it."""
        for change in outcome.hand_offs:
            if change.hand_off is None or not change.hand_off.confirmation:
                continue
            is_so = True
            if customer is not None:
                meant = account.customers[customer].entity
                is_so = self.made.company_of.get(change.subject) == meant
            if is_so and self.random.random() < 0.7:
                loaded = load(workspace.root)
                with open_ledger(loaded.ledger_url, loaded.root) as ledger:
                    whose = loaded.account(name).identity
                    confirm(ledger, Scope(whose, outcome.step, customer), change, "Ada")
                self._note(f"Ada says: {change.hand_off.confirmation}")

    def _fetch(self, workspace: DrawnWorkspace, name: str, account: Account, key: str) -> None:
        command = f"{workspace.root.name}/{name} link {key}"
        before = self.cloud.seen()
        try:
            link = asyncio.run(_link(workspace.root, name, key))
        except RunbookError as error:
            self._note(f"{command}: {error.what}")
            self._judge_refusal(workspace, name, account, str(error))
            link = ""
        if _differences(before, self.cloud.seen()):
            raise Wrong(f"{command}: a link was fetched, and something was written")
        if not link:
            return
        self._note(f"{command}: {link}")
        for (kind, company), connections in before.items():
            if kind == CONNECTION and any(one in link for one in connections):
                self._judge_company(workspace, name, account, key, company, "a link was given out")
                return
        raise Wrong(f"{command}: a link to nowhere: {link}")

    # -- the judge -------------------------------------------------------------------------------

    def _judge(
        self,
        workspace: DrawnWorkspace,
        name: str,
        account: Account,
        customer: str | None,
        mode: Mode,
        before: Records,
        outcome: Outcome,
    ) -> None:
        after = self.cloud.seen()
        changed = _differences(before, after)
        if outcome.error is not None:
            self._judge_refusal(workspace, name, account, json.dumps(outcome.error))
        if (outcome.account, outcome.customer) != (name, customer or ""):
            raise Wrong(f"the outcome is about {outcome.account}/{outcome.customer}")
        if mode is Mode.PLAN and changed:
            raise Wrong(f"plan mode wrote {changed}")
        if (outcome.step, outcome.state.value, mode) == (REGISTER_APPLICATION, "done", Mode.APPLY):
            # Somebody was told that the one of this name, which bears the account's marker, is as
            # it should be: from then on it is theirs, whatever a lost ledger knew.
            for one in after.get((APPLICATION, account.tenant), {}).values():
                if one["displayName"] == account.application and f"bcrunbook-{name}" in one["tags"]:
                    workspace.named[name, one["appId"]] = account.application
        for kind, partition, key in changed:
            old, new = before.get((kind, partition), {}).get(key), after[kind, partition].get(key)
            if new is None:
                raise Wrong(f"{kind} {key} was deleted")
            if kind in (APPLICATION, SERVICE_PRINCIPAL, GRANT):
                if partition != account.tenant:
                    raise Wrong(f"{kind} was written in the tenant {partition}")
                self._judge_application(workspace, name, account, kind, key, old, new, after)
            elif kind == COMPANY:
                self._judge_instance(workspace, name, account, partition)
                assert customer is not None
                meant = account.customers[customer]
                if old is not None:
                    raise Wrong(f"the company {old['name']} was changed")
                if new["name"] != meant.name:
                    raise Wrong(f"{new['name']} was made for {meant.name}")
                self.made.company_of[key] = meant.entity
            elif kind == CONNECTION:
                assert customer is not None
                self._judge_company(workspace, name, account, customer, partition, "a connection")

    def _judge_application(
        self,
        workspace: DrawnWorkspace,
        name: str,
        account: Account,
        kind: str,
        key: str,
        old: dict[str, Any] | None,
        new: dict[str, Any],
        after: Records,
    ) -> None:
        apps = {one["appId"]: one for one in after.get((APPLICATION, account.tenant), {}).values()}
        if kind == APPLICATION:
            app_id, name_before = new["appId"], old["displayName"] if old else None
        elif kind == SERVICE_PRINCIPAL:
            app_id = new["appId"]
            if app_id not in apps:
                return  # a service's own, such as Business Central's
            name_before = apps[app_id]["displayName"]
        else:
            principals = after.get((SERVICE_PRINCIPAL, account.tenant), {})
            app_id = principals[new["clientId"]]["appId"]
            name_before = apps[app_id]["displayName"]
        left = workspace.named.get((name, app_id))
        workspace.named[name, app_id] = apps[app_id]["displayName"]
        if name_before in (None, account.application) or account.client_id == app_id:
            return
        if left == name_before:
            return  # it was left so by this account, and the file gives it another name since
        raise Wrong(
            f'{kind} of the application "{name_before}" was written for "{account.application}"'
        )

    def _judge_instance(
        self, workspace: DrawnWorkspace, name: str, account: Account, instance: str
    ) -> None:
        wanted = account.instance.id if account.names_instance else account.key_of.id
        if instance != wanted:
            raise Wrong(f"the instance {instance} was written to for {wanted}")

    def _judge_company(
        self,
        workspace: DrawnWorkspace,
        name: str,
        account: Account,
        customer: str,
        company: str,
        what: str,
    ) -> None:
        meant = account.customers[customer]
        instance = next(
            one for one in INSTANCES if company in self.cloud.seen().get((COMPANY, one.id), {})
        )
        self._judge_instance(workspace, name, account, instance.id)
        whose = self.made.company_of[company]
        if whose != meant.entity:
            raise Wrong(f"{what}: the company of {whose} for {meant.entity}")

    def _judge_refusal(
        self, workspace: DrawnWorkspace, name: str, account: Account, refusal: str
    ) -> None:
        """A refusal because of the wrong instance names both."""
        if "belongs to the Codat instance" in refusal:
            if account.key_of.name not in refusal:
                raise Wrong(f"a refusal does not name {account.key_of.name}: {refusal}")
            if account.names_instance and account.instance.name not in refusal:
                raise Wrong(f"a refusal does not name {account.instance.name}: {refusal}")


async def _run(root: Path, name: str, customer: str | None, step: str, mode: Mode) -> Outcome:
    workspace = load(root)
    whom = workspace.customer(name, customer) if customer else None
    async with open_context(workspace, workspace.account(name), customer=whom) as context:
        return await run_in_context(step_named(step), context, mode)


async def _link(root: Path, name: str, customer: str) -> str:
    workspace = load(root)
    whom = workspace.customer(name, customer)
    async with open_context(workspace, workspace.account(name), customer=whom) as context:
        return await fetch_link(context)


def _differences(before: Records, after: Records) -> list[tuple[str, str, str]]:
    found = []
    for collection in before.keys() | after.keys():
        old, new = before.get(collection, {}), after.get(collection, {})
        found += [
            (*collection, key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)
        ]
    order = (APPLICATION, COMPANY, SERVICE_PRINCIPAL, GRANT, CONNECTION)
    return sorted(found, key=lambda one: order.index(one[0]))
