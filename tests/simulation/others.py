"""What others do meanwhile: in the Azure portal, the Codat Portal, and at a customer's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from bcrunbook.accounts import Account, Workspace
from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.clock import timestamp
from bcrunbook.rehearsal.codat import integrations
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.rehearsal.codat.records import UNLINKED, companies_of, connections_of, put_connection
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    GRANT,
    Registered,
    find_principal,
    put_grant,
)
from bcrunbook.rehearsal.drawn_secrets import new_secret
from tests.simulation.drawing import Deed
from tests.simulation.standin import STORE, StandIn

THEIR_URI: Final = "https://theirs.example/callback"
THEIR_SCOPE: Final = "Financials.Read.All"
THEIR_SECRET: Final = "somebody's own"
COLLEAGUES_SECRET: Final = "Codat (bcrunbook 0c01ea60)"
"""That of a colleague whose ledger and store are others."""
_RENAMED: Final = "Renamed by somebody"
PLATFORM: Final = next(
    one for one in codat.PLATFORMS.values() if one.name == "Dynamics 365 Business Central"
)


@dataclass
class Others:
    """Everybody else.

    Args:
        workspace: the workspace.
        cloud: the cloud.
        said: what they did, in words.
        added: what of theirs has to stay, by what it is.
        secrets: the secrets that nobody but their owners may remove, by their key ids.
        lost: those of ours whose value our store has lost; Codat may use them all the same.
    """

    workspace: Workspace
    cloud: StandIn
    said: list[str]
    added: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    @property
    def _trial(self) -> Account:
        return self.workspace.account("trial")

    def application(self, account: Account) -> Registered | None:
        """An account's application, as it is now."""
        tenant = world.find_tenant(account.tenant)
        assert tenant is not None
        for key, document in self.cloud.store.all_latest(APPLICATION, tenant.id):
            if account.unique_name in (document["uniqueName"], *document["tags"]):
                return Registered(tenant.id, key, document)
        return None

    def instance(self, account: Account) -> codat.Instance:
        """An account's Codat instance."""
        return next(one for one in codat.INSTANCES.values() if one.name == account.codat_instance)

    def stored_secret(self, account: Account) -> str:
        """The newest of an account's secrets whose value is in the store; empty without any."""
        app, kept = self.application(account), self.cloud.stored_values()
        if app is None:
            return ""
        values = [
            app.document["_secrets"][one["keyId"]]["value"]
            for one in app.document["passwordCredentials"]
        ]
        return next((one for one in reversed(values) if one in kept), "")

    def codat_reads(self, account: Account) -> bool:
        """Whether the pair of keys that the Codat Portal has is one that works.

        Args:
            account: whose instance it is.
        """
        app = self.application(account)
        saved = integrations.settings_of(self.cloud.cloud, self.instance(account), PLATFORM)
        if app is None or saved.client_id != app.document["appId"]:
            return False
        there = {one["keyId"] for one in app.document["passwordCredentials"]}
        values = [app.document["_secrets"][key]["value"] for key in there]
        return saved.client_secret in values

    def do(self, deed: Deed) -> bool:
        """Do it, if there is anything that it can be done to.

        Args:
            deed: what.
        """
        with self.cloud.store.transaction():
            is_done = self._do(deed)
        if is_done:
            self.said.append(f"somebody else: {deed}")
        return is_done

    def _do(self, deed: Deed) -> bool:
        app = self.application(self._trial)
        match deed:
            case "secret deleted" if app and app.document["passwordCredentials"]:
                return self._delete_secret(app)
            case "secret added" if app and len(app.document["passwordCredentials"]) < 2:
                return self._add_secret(app, THEIR_SECRET)
            case "colleague's secret" if app and len(app.document["passwordCredentials"]) < 2:
                return self._add_secret(app, COLLEAGUES_SECRET)
            case "value lost" if app:
                return self._lose_value(app)
            case "redirect added" if app:
                web = app.document["web"]
                uris = [*web["redirectUris"], THEIR_URI]
                self._put(app, {"web": {**web, "redirectUris": list(dict.fromkeys(uris))}})
                self.added.add(THEIR_URI)
                return True
            case "application renamed" if app:
                self._put(app, {"displayName": _RENAMED})
                return True
            case "consent withdrawn" | "scope added" if app:
                return self._change_grant(app, deed)
            case "integration disabled":
                instance = self.instance(self._trial)
                integrations.set_enabled(self.cloud.cloud, instance, PLATFORM, False)
                return True
            case "customer unlinked":
                return self._unlink()
            case "extension removed":
                return self._remove_extension()
        return False

    def rename_back(self, account: Account) -> None:
        """Call an application by its name again."""
        with self.cloud.store.transaction():
            app = self.application(account)
            assert app is not None
            self._put(app, {"displayName": account.application})

    def _put(self, app: Registered, changed: dict[str, Any]) -> None:
        document = {**app.document, **changed}
        self.cloud.store.put(APPLICATION, app.tenant, app.id, document, "patched")

    def _delete_secret(self, app: Registered) -> bool:
        *kept, gone = app.document["passwordCredentials"]
        secrets = {k: v for k, v in app.document["_secrets"].items() if k != gone["keyId"]}
        self.secrets.discard(gone["keyId"])
        self.lost.discard(gone["keyId"])
        self._put(app, {"passwordCredentials": kept, "_secrets": secrets})
        return True

    def _add_secret(self, app: Registered, description: str) -> bool:
        key, now = world.derived_id("theirs", str(self.cloud.cloud.clock.now())), self.cloud.cloud
        value = self.cloud.canaries.add(new_secret())
        credential = {
            "customKeyIdentifier": None,
            "displayName": description,
            "endDateTime": timestamp(now.clock.now() + 600 * 86400),
            "hint": value[:3],
            "keyId": key,
            "secretText": None,
            "startDateTime": timestamp(now.clock.now()),
        }
        self._put(
            app,
            {
                "passwordCredentials": [*app.document["passwordCredentials"], credential],
                "_secrets": {
                    **app.document["_secrets"],
                    key: {"value": value, "at": now.clock.now()},
                },
            },
        )
        self.secrets.add(key)
        return True

    def _lose_value(self, app: Registered) -> bool:
        """The store loses what it has."""
        folder = self.cloud.folder / STORE / self._trial.name
        values = {one["value"]: key for key, one in app.document["_secrets"].items()}
        for file in sorted(folder.rglob("*")):
            if file.is_file() and (key := values.get(file.read_text("utf-8").strip())):
                file.unlink()
                self.lost.add(key)
                return True
        return False

    def _change_grant(self, app: Registered, deed: Deed) -> bool:
        principal = find_principal(self.cloud.cloud, app.tenant, app.document["appId"])
        if principal is None:
            return False
        for key, grant in self.cloud.store.all_latest(GRANT, app.tenant):
            if grant["clientId"] != principal["id"]:
                continue
            if deed == "consent withdrawn":
                self.cloud.store.put(GRANT, app.tenant, key, None, "deleted")
                self.added.discard(THEIR_SCOPE)
                return True
            scopes = dict.fromkeys([*grant["scope"].split(), THEIR_SCOPE])
            put_grant(self.cloud.cloud, app.tenant, principal["id"], grant["resourceId"], scopes)
            self.added.add(THEIR_SCOPE)
            return True
        return False

    def _unlink(self) -> bool:
        instance = self.instance(self._trial)
        for company, _ in companies_of(self.cloud.cloud, instance):
            for connection, document in connections_of(self.cloud.cloud, company):
                if document["status"] == "Linked":
                    put_connection(
                        self.cloud.cloud,
                        instance,
                        company,
                        connection,
                        {**document, "status": UNLINKED},
                    )
                    return True
        return False

    def _remove_extension(self) -> bool:
        for customer in self._trial.customers.values():
            tenant = world.find_tenant(customer.tenant or "")
            if tenant is None or not customer.environment:
                continue
            known = installation.progress(self.cloud.cloud, tenant.id, customer.environment)
            if known is not None and known.state == "installed":
                installation.act(
                    self.cloud.cloud, tenant.id, customer.environment, "uninstall", by="hand"
                )
                return True
        return False
