"""What has to hold in a world that has come to rest, whatever was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from bcrunbook.accounts import Account, Customer
from bcrunbook.core.step import PASSED
from bcrunbook.core.stored import latest_outcomes
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import Fact, Ledger, open_ledger
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    REGISTER_APPLICATION,
    RESTORE_ACCOUNT,
    RETIRE_ACCOUNT,
)
from bcrunbook.rehearsal import world as people
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.rehearsal.clock import parse_timestamp
from bcrunbook.rehearsal.codat import integrations
from bcrunbook.rehearsal.codat.records import companies_of, connections_of
from bcrunbook.rehearsal.directory import (
    APPLICATION,
    DELETED,
    GRANT,
    SERVICE_PRINCIPAL,
    Registered,
    find_principal,
)
from bcrunbook.rehearsal.state import Document
from bcrunbook.steps.link_customer.codat_customer import TAG
from bcrunbook.steps.link_customer.installation.verdict import GOOD, HIDDEN_AT_MOST, Verdict
from bcrunbook.steps.requirements import AUDIENCE, REDIRECT_URI, SCOPES
from bcrunbook.steps.retired import retired_account, retired_customers
from tests.simulation.others import PLATFORM, THEIR_SCOPE, THEIR_URI
from tests.simulation.scenes import files_in
from tests.simulation.standin import STORE
from tests.simulation.world import World

_OURS: Final = "(bcrunbook "
_NOT_COMING: Final = frozenset(
    {
        Verdict.NOT_LINKED.value,
        Verdict.LINK_FAILED.value,
        Verdict.UNINSTALLED.value,
        Verdict.UNPUBLISHED.value,
        Verdict.NOT_FINISHED.value,
        Verdict.INSTALLED.value,
    }
)
"""What is untrue of a customer whose extension is still being installed."""
_ENDS: Final = ("retired", "restored")
_READS: Final = frozenset({"GET", "HEAD"})
_REFUSED: Final = frozenset({400, 403})
_WHOLE: Final = frozenset(
    {REGISTER_APPLICATION, CLIENT_SECRET, API_PERMISSIONS, CODAT_KEYS, ENABLE_INTEGRATION}
)
"""What an account has been through of whom the check can say anything."""

Invariant = Callable[[World], Iterator[str]]


def broken(world: World) -> list[str]:
    """What does not hold, a sentence each.

    Args:
        world: one that has come to rest.
    """
    return [f"{one.__name__}: {said}" for one in INVARIANTS for said in one(world)]


def one_application(world: World) -> Iterator[str]:
    """Each account has one application at most, and none is there that nobody meant."""
    for account in world.workspace.accounts.values():
        found = _applications(world, account)
        if len(found) > 1:
            yield f"{account.name} has {len(found)} applications"
        if _passed(world, account, REGISTER_APPLICATION) and not found:
            yield f"{account.name} is said to be registered, and has no application"


def secrets_of_ours(world: World) -> Iterator[str]:
    """Of our secrets each is stored and one works for long; nobody's was removed by us."""
    now = world.cloud.cloud.clock.now()
    not_ours_to_remove = world.others.secrets | world.others.lost
    for account in world.workspace.accounts.values():
        for app in _applications(world, account):
            stored = world.cloud.stored_values()
            ours = [
                one for one in app.document["passwordCredentials"] if _OURS in one["displayName"]
            ]
            usable = [
                one
                for one in ours
                if app.document["_secrets"][one["keyId"]]["value"] in stored
                and parse_timestamp(one["endDateTime"]) > now
            ]
            for one in ours:
                is_theirs = account.name == "trial" and one["keyId"] in not_ours_to_remove
                is_stored = app.document["_secrets"][one["keyId"]]["value"] in stored
                if not is_stored and not is_theirs:
                    yield f"{account.name} has a secret that nobody has: {one['displayName']}"
            if _passed(world, account, CLIENT_SECRET) and not usable:
                yield f"{account.name} is said to have a secret, and none that is stored is usable"
            if len(usable) > 1 and not world.drawn.leap:
                yield f"{account.name} has {len(usable)} secrets that are stored"
            kept = {one["keyId"] for one in app.document["passwordCredentials"]}
            if account.name == "trial" and not not_ours_to_remove <= kept:
                yield f"{account.name} has lost a colleague's secret"


def no_third_secret(world: World) -> Iterator[str]:
    """A third secret is never asked for: the service would have said no."""
    for one in world.cloud.requests.lines:
        is_third = one["path"].endswith("/addPassword") and one["status"] == 400
        if is_third and world.drawn.strict != "no secrets":
            yield f"a secret was asked for that the service refused, at {one['t']}"


def what_others_added(world: World) -> Iterator[str]:
    """Collections are merged: what others put there is there."""
    trial = world.workspace.account("trial")
    for app in _applications(world, trial):
        if THEIR_URI in world.others.added and THEIR_URI not in _uris(app):
            yield "a redirect URI of somebody else's is gone"
        if THEIR_SCOPE in world.others.added and THEIR_SCOPE not in _granted(world, app):
            yield "a grant of somebody else's was narrowed"


def said_of_accounts(world: World) -> Iterator[str]:
    """What the ledger says of an account's steps is so in the cloud."""
    for account in world.workspace.accounts.values():
        for app in _applications(world, account):
            document = app.document
            if _passed(world, account, REGISTER_APPLICATION):
                if REDIRECT_URI not in _uris(app) or document["signInAudience"] != AUDIENCE:
                    yield f"{account.name} is said to be registered, and is not as it should be"
                if find_principal(world.cloud.cloud, app.tenant, document["appId"]) is None:
                    yield f"{account.name} is said to be registered, and has no service principal"
                if document["displayName"] != account.application:
                    yield f"{account.name} is said to be registered, and has another name"
            if _passed(world, account, API_PERMISSIONS) and not set(SCOPES) <= _granted(world, app):
                yield f"{account.name} is said to have consent, and has it not"
            settings = integrations.settings_of(
                world.cloud.cloud, world.others.instance(account), PLATFORM
            )
            if _passed(world, account, ENABLE_INTEGRATION) and not settings.enabled:
                yield f"{account.name}'s integration is said to be enabled, and is not"
            if (
                _passed(world, account, CODAT_KEYS)
                and not {"typo", "says only"} & set(world.drawn.slips)
                and settings.client_id != document["appId"]
            ):
                yield f"{account.name}'s keys are said to be saved, and others are"


def one_of_each(world: World) -> Iterator[str]:
    """A customer has one company, one connection, and one installation unless it was removed."""
    for account in world.workspace.accounts.values():
        instance = world.others.instance(account)
        tags = Counter(
            document["tags"].get(TAG) for _, document in companies_of(world.cloud.cloud, instance)
        )
        for tag, count in tags.items():
            if tag is not None and count > 1:
                yield f"{tag} has {count} companies"
            if tag is not None and tag.partition(".")[2] not in account.customers:
                yield f"there is a company of nobody's: {tag}"
        for company, document in companies_of(world.cloud.cloud, instance):
            count = len(connections_of(world.cloud.cloud, company))
            if count > 1 and TAG in document["tags"]:
                yield f"{document['name']} has {count} connections"


def said_of_customers(world: World) -> Iterator[str]:
    """A customer who is said to be linked is linked, and an extension that was seen is there.

    One that came and went while nobody looked leaves nothing to be seen but Codat's sync.
    """
    for account in world.workspace.accounts.values():
        for customer in account.customers.values():
            is_over = world.drawn.ending in _ENDS and account.name == "trial"
            if (
                is_over
                or world.ends.get((account.name, customer.name, LINK_CUSTOMER)) not in PASSED
            ):
                continue
            status = _connection(world, account, customer)
            if status != "Linked":
                yield f"{customer.name} is said to be linked, and the connection reads {status}"
            known = _progress(world, customer)
            is_there = known is not None and known.state == "installed"
            if not is_there and _was_seen(world, account, customer):
                yield f"{customer.name} is said to be linked, and the extension is not there"


def true_verdicts(world: World) -> Iterator[str]:
    """No watch ends with a verdict that the cloud, at that instant, contradicts."""
    account = world.workspace.account("trial")
    with _ledger(world) as ledger:
        for customer in account.customers.values():
            polls: list[Fact] = []
            for fact in ledger.facts(Scope(account.identity, LINK_CUSTOMER, customer.name)):
                if fact.kind == FactKind.WATCH_BEGAN:
                    polls = []
                elif fact.kind == FactKind.WATCH_POLL:
                    polls.append(fact)
                elif (
                    fact.kind == FactKind.WATCH_ENDED
                    and fact.data["verdict"] in _NOT_COMING
                    and not _is_blind(polls)
                    and _is_coming(world, customer, fact.at)
                ):
                    yield f"{customer.name}: {fact.data['verdict']} ({fact.data['because']})"


def watched_once(world: World) -> Iterator[str]:
    """Whose watch has ended well is not watched again within a day, unless something was done."""
    account = world.workspace.account("trial")
    done = {one.deed for one in world.drawn.doings} & {"extension removed", "customer unlinked"}
    if done or world.drawn.slips:
        return
    with _ledger(world) as ledger:
        for customer in account.customers.values():
            if customer.name.startswith("later-"):
                continue  # whose extension goes away links again, and is watched again
            well: datetime | None = None
            again: datetime | None = None
            for fact in ledger.facts(Scope(account.identity, LINK_CUSTOMER, customer.name)):
                if fact.kind == FactKind.WATCH_ENDED:
                    well = fact.at if Verdict(fact.data["verdict"]) in GOOD else None
                elif fact.kind == FactKind.WATCH_POLL:
                    # What cannot be read just now is stayed with.
                    if again and not fact.data["hiccups"]:
                        yield f"{customer.name} is watched again at {again}, well since {well}"
                    again = None
                elif fact.kind == FactKind.WATCH_BEGAN and well is not None:
                    again = fact.at if fact.at - well < timedelta(days=1) else None


def other_tenants(world: World) -> Iterator[str]:
    """Nothing is written to a directory that is nobody's of ours; customers consent themselves."""
    ours = {
        app.document["appId"]
        for account in world.workspace.accounts.values()
        for app in _applications(world, account)
    }
    mine = {
        app.tenant
        for account in world.workspace.accounts.values()
        for app in _applications(world, account)
    }
    for kind in (APPLICATION, SERVICE_PRINCIPAL, GRANT):
        for tenant in world.cloud.store.tenants_of(kind):
            if tenant in mine:
                continue
            before = world.before.get(kind, {}).get(tenant, {})
            for key, document in world.cloud.store.all_latest(kind, tenant):
                if key in before or (kind, document.get("appId")) in {
                    (SERVICE_PRINCIPAL, one) for one in ours
                }:
                    continue
                if kind == GRANT and _is_ours(world, tenant, document, ours):
                    continue
                yield f"{kind} {key} was written to the tenant {tenant}"


def nothing_told(world: World) -> Iterator[str]:
    """No secret is in the ledger, in a notebook, on a card, in a report or a log."""
    files = files_in(world.folder, ("cloud/",))
    files["what was logged"] = "\n".join(world.logged).encode()
    text = b"\0".join(files.values())
    for value in world.cloud.canaries.values:
        if value.encode() in text:
            where = [name for name, content in files.items() if value.encode() in content]
            yield f"a secret is in {where}"


def no_bug(world: World) -> Iterator[str]:
    """Nothing broke: neither the program, as it says itself, nor the stand-in; nothing leaked."""
    with _ledger(world) as ledger:
        for account in world.workspace.accounts.values():
            for one in latest_outcomes(ledger, account.identity):
                error = one.outcome.error or {}
                if error.get("kind") == "report_bug":
                    yield f"{one.outcome.step} of {one.outcome.account}: {error['what']}"
    yield from world.broke


def true_check(world: World) -> Iterator[str]:
    """The weekly check writes nothing, finds what others did, and else what the steps found."""
    for one in world.cloud.requests.lines[slice(*world.asked_by_check)]:
        if _writes(one):
            yield f"the check writes: {one['method']} {one['host']}{one['path']}"
    for outcome in world.checked:
        before = {
            step: state
            for (account, _, step), state in world.before_check.items()
            if account == outcome.account
        }
        well = set(before.values()) == {"done"} and before.keys() >= _WHOLE
        finds = outcome.state not in PASSED
        is_drifted = outcome.account == "trial" and world.drifted
        if well and is_drifted and not finds:
            yield f"the check of {outcome.account} does not see: {world.drifted}"
        if well and finds and not is_drifted and not (world.drawn.slips or world.drawn.doings):
            yield f"the check of {outcome.account} finds what no step found: {outcome.summary}"


def nothing_left(world: World) -> Iterator[str]:
    """What is retired is gone with all of ours, and nothing of anybody else's went with it.

    What is not retired in the end waits for a person, who was told so.
    """
    if world.drawn.ending not in _ENDS:
        return
    account = world.workspace.account("trial")
    tenant = people.find_tenant(account.tenant)
    assert tenant is not None
    state = world.states.get((account.name, "", RETIRE_ACCOUNT))
    with _ledger(world) as ledger:
        over = retired_account(ledger, account.identity)
        customers_over = retired_customers(ledger, account.identity)
    if world.is_retired and (over is None or not over.is_whole) and state != "needs_person":
        yield f"{account.name} is not retired, and nobody is told why: {state}"
    restored = world.states.get((account.name, "", RESTORE_ACCOUNT))
    if not world.is_retired and over is not None and restored in PASSED:
        yield f"{account.name} was taken up again, and is {over.word}"
    deleted = [
        one
        for _, one in world.cloud.store.all_latest(DELETED, tenant.id)
        if account.unique_name in (one.get("uniqueName"), *one.get("tags", ()))
    ]
    if over is not None and over.is_whole:
        if _applications(world, account):
            yield f"{account.name} is retired, and its application is there"
        if any(one.is_file() for one in (world.cloud.folder / STORE / account.name).rglob("*")):
            yield f"{account.name} is retired, and a value of its secrets is kept"
        if THEIR_SCOPE in world.others.added and deleted:
            yield "a grant of somebody else's went with the application"
    for one in deleted:
        if one["passwordCredentials"] or THEIR_URI in one["web"]["redirectUris"]:
            yield "something of somebody else's went with the application"
    clients = {one["appId"] for one in deleted}
    gone = dict(world.cloud.store.all_latest(DELETED, tenant.id))
    for kind in (APPLICATION, SERVICE_PRINCIPAL):
        there = dict(world.cloud.store.all_latest(kind, tenant.id))
        for key in world.before.get(kind, {}).get(tenant.id, {}):
            if key not in there and gone.get(key, {}).get("appId") not in clients:
                yield f"{kind} {key} of somebody else's is gone"
    for name in customers_over:
        status = _connection(world, account, account.customers[name])
        if customers_over[name].is_whole and status in ("Linked", "PendingAuth"):
            yield f"{name} is retired, and the connection reads {status}"


def nothing_again(world: World) -> Iterator[str]:
    """One more command writes nothing; what a tenant forbids is asked for, and refused, again."""
    for one in world.cloud.requests.lines[world.last :]:
        is_refused = bool(world.drawn.strict) and one["status"] in _REFUSED
        if _writes(one) and not is_refused:
            yield f"once more: {one['method']} {one['host']}{one['path']}"


INVARIANTS: Final[tuple[Invariant, ...]] = (
    one_application,
    secrets_of_ours,
    no_third_secret,
    what_others_added,
    said_of_accounts,
    one_of_each,
    said_of_customers,
    true_verdicts,
    watched_once,
    other_tenants,
    nothing_told,
    no_bug,
    true_check,
    nothing_left,
    nothing_again,
)


def _writes(request: dict[str, Any]) -> bool:
    """Whether a request was to change something."""
    is_read = request["method"] in _READS or request["path"].endswith("$batch")
    return not (is_read or "/token" in request["path"] or "/data/queue" in request["path"])


def _ledger(world: World) -> Ledger:
    return open_ledger(world.workspace.ledger_url, world.workspace.root)


def _passed(world: World, account: Account, step: str) -> bool:
    if world.is_retired and account.name == "trial":
        return False
    return world.ends.get((account.name, "", step)) in PASSED


def _applications(world: World, account: Account) -> list[Registered]:
    tenant = people.find_tenant(account.tenant)
    assert tenant is not None
    return [
        Registered(tenant.id, key, document)
        for key, document in world.cloud.store.all_latest(APPLICATION, tenant.id)
        if account.unique_name in (document["uniqueName"], *document["tags"])
    ]


def _uris(app: Registered) -> list[str]:
    found: list[str] = app.document["web"]["redirectUris"]
    return found


def _granted(world: World, app: Registered) -> set[str]:
    principal = find_principal(world.cloud.cloud, app.tenant, app.document["appId"])
    return {
        scope
        for _, grant in world.cloud.store.all_latest(GRANT, app.tenant)
        if principal is not None and grant["clientId"] == principal["id"]
        for scope in grant["scope"].split()
    }


def _is_blind(polls: list[Fact]) -> bool:
    """Whether errors have hidden an environment for so long that it may be given up.

    An upgrade is no error, however long it takes.
    """
    last = since = polls[-1].data["elapsed"] if polls else 0.0
    for poll in reversed(polls):
        if not poll.data["hiccups"] or str(poll.data["environment"]).endswith(": Upgrading"):
            break
        since = poll.data["elapsed"]
    return bool(last - since >= HIDDEN_AT_MOST)


def _is_coming(world: World, customer: Customer, at: datetime) -> bool:
    """Whether a customer's extension was still being installed at an instant."""
    known = _progress(world, customer)
    if known is None or known.script.refusal or known.deeds:
        return False
    # In the scene before, the clocks did not differ.
    seconds = at.timestamp() + (world.drawn.ahead if at.timestamp() >= world.began else 0.0)
    comes = known.script.installed_at
    return comes is not None and 0 <= seconds - known.began < comes


def _progress(world: World, customer: Customer) -> installation.Progress | None:
    """How a customer's installation stands; None where there was none."""
    tenant = people.find_tenant(customer.tenant or "")
    assert tenant is not None
    return installation.progress(world.cloud.cloud, tenant.id, customer.environment or "")


def _was_seen(world: World, account: Account, customer: Customer) -> bool:
    """Whether any look has seen the customer's extension installed."""
    with _ledger(world) as ledger:
        facts = ledger.facts(Scope(account.identity, LINK_CUSTOMER, customer.name))
    return any(
        fact.kind == FactKind.EXTENSION
        or any(one["is_installed"] for one in fact.data.get("packages") or ())
        for fact in facts
    )


def _connection(world: World, account: Account, customer: Customer) -> str:
    for company, document in companies_of(world.cloud.cloud, world.others.instance(account)):
        if document["tags"].get(TAG) == f"{account.name}.{customer.name}":
            for _, connection in connections_of(world.cloud.cloud, company):
                return str(connection["status"])
    return "nothing"


def _is_ours(world: World, tenant: str, grant: Document, ours: set[str]) -> bool:
    principals: dict[str, Any] = dict(world.cloud.store.all_latest(SERVICE_PRINCIPAL, tenant))
    return principals.get(grant["clientId"], {}).get("appId") in ours
