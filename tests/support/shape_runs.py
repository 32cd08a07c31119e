"""What a rehearsal goes through besides the plain way: other sign-ins, and what is there already.

Each is a run that somebody makes live, and none has any trouble but what people bring about.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.accounts.model import SignInSettings
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.errors import RunbookError
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.order import API_PERMISSIONS, CLIENT_SECRET, HEALTH_CHECK, REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.rehearse.workspace import STANDARD, RehearsedCustomer
from bcrunbook.steps import step_named
from bcrunbook.steps.link_customer.codat_customer import TAG, codat_of, tag_of
from bcrunbook.steps.opening import open_context
from tests.conftest import keep_secret, lay_out
from tests.rehearsal.codat_support import Codat
from tests.rehearsal.support import (
    Graph,
    app_token,
    client_of,
    desired,
    eventually,
    person,
    user_token,
    wait_for,
)
from tests.support.certificates import pem_of, self_signed
from tests.support.independent_client import Typist, person_of
from tests.support.linking import (
    SCRIPTS,
    lab_customer,
    link,
    run_link_customer,
    set_up,
    with_journal,
)
from tests.support.running import UP_TO_KEYS, run_steps
from tests.support.signing_in import (
    federated_credential,
    key_credential,
    platform_token,
    sit_at_browser,
)

SUBJECT = "repo:books"
OWN_TENANT = STANDARD[0].customers[0]
ELSEWHERE = (
    *STANDARD[1].customers,
    RehearsedCustomer(
        "works", "Millrace Works", "robin.hale@millrace.example", "Production", "CRONUS UK Ltd."
    ),
)
"""Customers in tenants of their own: one is read, one does not have the batch identity, and one has
it without a right to Business Central."""
STRICT = {
    "short-secrets": "stonegate-finance.example",
    "no-secrets": "granite-wharf.example",
    "no-consumers": "northgate-assurance.example",
    "no-codat": "harbour-street.example",
}
"""Tenants whose policies for applications are in the way."""
LINKING = ("normal", "fetch-errors", "licence-missing", "deployment-failed", "later-uninstalled")
"""The customers who link, by the script that they live through."""


async def account_of(
    folder: Path, cloud: RehearsalDescription, who: Typist | None = None, **changes: Any
) -> Workspace:
    """An account that goes as far as it does by itself, twice; the second finds all there.

    What is refused while something spreads goes well by then.
    """
    folder.mkdir()
    workspace = with_journal(lay_out(folder, cloud, {folder.name: changes}))
    for _ in range(2):
        await as_far_as_it_goes(workspace, *UP_TO_KEYS, who=who)
    return workspace


async def as_far_as_it_goes(workspace: Workspace, *steps: str, who: Typist | None = None) -> None:
    """Run steps; a refusal ends them."""
    with contextlib.suppress(RunbookError):
        await run_steps(workspace, *steps, person=who)


def by_hand(cloud: RehearsalDescription, method: str = "device_code") -> dict[str, Any]:
    """The sign-in of a person."""
    return {"method": method, "client_id": cloud.clients["bootstrap"], "cache": "memory"}


# --- Other sign-ins -------------------------------------------------------------------------------


def trusted_without_secret(folder: Path, cloud: RehearsalDescription) -> Path:
    """Have the batch identity trusted by a certificate and by a platform; returns the certificate.

    An administrator does that, once.
    """
    folder.mkdir()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = self_signed(key)
    file = folder / "runner.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM) + pem_of(key))
    admin = person(cloud, "Global Administrator")
    with client_of(cloud) as http:
        graph = Graph(http, user_token(http, cloud, admin))
        app = graph("GET", f"/applications(appId='{cloud.batch_identity['client_id']}')").json()
        one = f"/applications/{app['id']}"
        keys = {"keyCredentials": [key_credential(made)]}
        eventually(lambda: graph("PATCH", one, keys))
        trust = federated_credential(SUBJECT)
        eventually(lambda: graph("POST", f"{one}/federatedIdentityCredentials", trust))
    return file


def by_certificate(cloud: RehearsalDescription, file: Path) -> dict[str, Any]:
    """The sign-in with a certificate."""
    client_id = cloud.batch_identity["client_id"]
    return {"method": "certificate", "client_id": client_id, "certificate": str(file)}


def by_federation(cloud: RehearsalDescription, file: Path, subject: str) -> dict[str, Any]:
    """The sign-in with a platform's token, which says that it is about a subject."""
    file.write_text(platform_token(subject), "utf-8")
    client_id = cloud.batch_identity["client_id"]
    return {"method": "federated", "client_id": client_id, "token_file": str(file)}


async def other_sign_ins(folder: Path, cloud: RehearsalDescription) -> dict[str, Workspace]:
    """By a certificate, by a platform's token and by a browser; and two that Entra refuses."""
    file = trusted_without_secret(folder / "trusted", cloud)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other = file.with_name("stranger.pem")
    other.write_bytes(self_signed(stranger).public_bytes(Encoding.PEM) + pem_of(stranger))
    sign_ins = {
        "certificate": by_certificate(cloud, file),
        "federated": by_federation(cloud, file.with_name("token"), SUBJECT),
        "stranger": by_certificate(cloud, other),
        "other-job": by_federation(cloud, file.with_name("other"), "repo:else"),
        "browser": by_hand(cloud, "browser"),
    }
    robin = person_of(cloud, "robin")
    with pytest.MonkeyPatch.context() as patch:
        sit_at_browser(patch, username=robin.upn, password=robin.password)
        made = await asyncio.gather(
            *(
                account_of(folder / name, cloud, robin, sign_in=one)
                for name, one in sign_ins.items()
            )
        )
    return dict(zip(sign_ins, made, strict=True))


def lay_out_with_wrong_secrets(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """A workspace whose sign-in secret and API key are nobody's."""
    folder.mkdir()
    workspace = lay_out(folder, cloud, {"trial": {}})
    keep_secret(folder / "secret-store" / "sign-in", "Ab1Q~" + "x" * 35)
    keep_secret(folder / "secret-store" / "codat", "a" * 40, "trial")
    return with_journal(workspace)


# --- What is there already ------------------------------------------------------------------------


async def adopted(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """An application that somebody made by hand, named by its client id, with a narrower grant."""
    with client_of(cloud) as http:
        graph = Graph(http, await asyncio.to_thread(app_token, http, cloud))
        app = await asyncio.to_thread(
            graph.application, displayName="Made by hand", signInAudience="AzureADMultipleOrgs"
        )
        await asyncio.to_thread(graph.principal, app["appId"])
    workspace = await account_of(folder, cloud, client_id=app["appId"])
    await asyncio.to_thread(narrow_grant, cloud, app["appId"])
    await as_far_as_it_goes(workspace, API_PERMISSIONS)
    return workspace


async def just_made(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """An application that somebody made by hand a moment ago: its consumer side is missing."""
    with client_of(cloud) as http:
        graph = Graph(http, await asyncio.to_thread(app_token, http, cloud))
        app = graph("POST", "/applications", desired()).json()
        await asyncio.to_thread(eventually, lambda: graph("GET", f"/applications/{app['id']}"))
    return await account_of(folder, cloud, client_id=app["appId"])


def narrow_grant(cloud: RehearsalDescription, client_id: str) -> None:
    """Somebody takes a permission out of the tenant-wide grant of an application."""
    with client_of(cloud) as http:
        graph = Graph(http, app_token(http, cloud))
        own = graph("GET", f"/servicePrincipals(appId='{client_id}')").json()["id"]

        def grants() -> list[dict[str, Any]]:
            found = graph("GET", "/oauth2PermissionGrants").json()["value"]
            return [one for one in found if one["clientId"] == own]

        path = f"/oauth2PermissionGrants/{wait_for(grants)[0]['id']}"
        eventually(lambda: graph("PATCH", path, {"scope": "user_impersonation"}))


async def at_once(folder: Path, cloud: RehearsalDescription) -> tuple[Workspace, Workspace]:
    """Two colleagues set the same account up at the same moment.

    Which of the two is refused what is a matter of chance.
    """

    def desk(name: str) -> Workspace:
        place = folder / name
        place.mkdir(parents=True)
        return with_journal(lay_out(place, cloud, {folder.name: {}}))

    workspaces = desk("one"), desk("two")
    for _ in range(2):
        steps = (as_far_as_it_goes(one, *UP_TO_KEYS) for one in workspaces)
        await asyncio.gather(*steps)
    return workspaces


async def taken_apart(folder: Path, cloud: RehearsalDescription, **changes: Any) -> Workspace:
    """What others removed is made again, and what a crash left behind goes.

    The secret is removed in the portal; another is there whose value nobody has; then a colleague
    runs it with a ledger of their own; at last the application is deleted.
    """
    workspace = await account_of(folder, cloud, **changes)
    name = folder.name
    with client_of(cloud) as http:
        graph = Graph(http, await asyncio.to_thread(app_token, http, cloud))
        one = f"/applications(uniqueName='bcrunbook-{name}')"

        async def until_done(method: str, path: str, body: Any = None) -> None:
            await asyncio.to_thread(lambda: eventually(lambda: graph(method, path, body)))

        (secret,) = await asyncio.to_thread(
            wait_for, lambda: graph("GET", one).json().get("passwordCredentials")
        )
        await until_done("POST", f"{one}/removePassword", {"keyId": secret["keyId"]})
        account = workspace.account(name)
        async with open_context(workspace, account) as context:
            scope = Scope(context.identity, CLIENT_SECRET)
            data = {"ends": secret["endDateTime"], "asked": secret["startDateTime"]}
            context.ledger.record(scope, FactKind.SECRET_INTENT, "0badc0de", "intended", data)
        lost = {"passwordCredential": {"displayName": "Codat (bcrunbook 0badc0de)"}}
        await until_done("POST", f"{one}/addPassword", lost)
        for _ in range(2):
            await as_far_as_it_goes(workspace, CLIENT_SECRET)
        for left in workspace.root.glob("ledger.db*"):
            left.unlink()
        shutil.rmtree(folder / "secret-store" / name, ignore_errors=True)
        await as_far_as_it_goes(workspace, *UP_TO_KEYS)
        await until_done("DELETE", one)
        await as_far_as_it_goes(workspace, REGISTER_APPLICATION)
    return workspace


# --- Customers ------------------------------------------------------------------------------------


async def customers(folder: Path, cloud: RehearsalDescription) -> Workspace:
    """An account that is set up, with customers who link, once more each, and checks of it."""
    labs = [lab_customer(name, SCRIPTS[name]) for name in LINKING]
    workspace = await set_up(folder, cloud, [*labs, OWN_TENANT, *ELSEWHERE], journal=True)
    account = workspace.account("trial")
    names = [*LINKING, OWN_TENANT.name, *(one.name for one in ELSEWHERE)]
    async with open_context(workspace, account) as context:

        async def one(name: str) -> None:
            await run_link_customer(context, name)
            await link(context, cloud, name)
            for _ in range(2):
                await run_link_customer(context, name)

        await asyncio.gather(*(one(name) for name in names))
        await run_in_context(step_named(HEALTH_CHECK), context, Mode.APPLY)
        await left(workspace, cloud, "normal", "fetch-errors")
        await run_in_context(step_named(HEALTH_CHECK), context, Mode.APPLY)
        for name in ("normal", "fetch-errors"):
            await run_link_customer(context, name)
    await by_a_person(workspace, cloud, OWN_TENANT.name, ELSEWHERE[0].name)
    await renamed(workspace)
    return workspace


async def left(
    workspace: Workspace, cloud: RehearsalDescription, unlinked: str, deleted: str
) -> None:
    """One customer's connection is cut in Codat, another's company is deleted there."""
    account = workspace.account("trial")
    async with open_context(workspace, account) as context:
        codat = codat_of(context)
        found = {
            name: await codat.companies({TAG: tag_of(account, account.customers[name])})
            for name in (unlinked, deleted)
        }
        (connection,) = await codat.connections(found[unlinked][0].id)
    with client_of(cloud) as http:
        hand = Codat(http, cloud.codat["api_key"])
        path = f"/companies/{found[unlinked][0].id}/connections/{connection.id}"
        hand("PATCH", path, {"status": "Unlinked"}).raise_for_status()
        hand("DELETE", f"/companies/{found[deleted][0].id}").raise_for_status()


async def by_a_person(workspace: Workspace, cloud: RehearsalDescription, *names: str) -> None:
    """The same customers as a person sees them, who is at home in one of the tenants."""
    account = workspace.account("trial")
    sign_in = SignInSettings(**by_hand(cloud))
    by_robin = account.model_copy(update={"sign_in": sign_in})
    async with open_context(workspace, by_robin, person=person_of(cloud, "robin")) as context:
        for name in names:
            with contextlib.suppress(RunbookError):
                await run_link_customer(context, name)
        with contextlib.suppress(RunbookError):
            await run_in_context(step_named(HEALTH_CHECK), context, Mode.APPLY)


async def renamed(workspace: Workspace) -> None:
    """A customer's key is another in the file: whose the company is, is asked of Codat."""
    file = workspace.root / FILE_NAME
    text = file.read_text("utf-8").replace(".customers.licence-missing]", ".customers.licence]")
    file.write_text(text, "utf-8")
    again = load(workspace.root)
    async with open_context(again, again.account("trial")) as context:
        with contextlib.suppress(RunbookError):
            await run_link_customer(context, "licence")
