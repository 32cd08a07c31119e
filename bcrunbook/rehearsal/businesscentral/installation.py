"""App Link's installation in an environment: one record, everything else follows from its age.

Nothing ticks. What is kept is when each installation began, and what somebody did to the extension
by hand since; how it stands is worked out at each read from the environment's script. All ages are
seconds of the rehearsal clock.

Sources: Codat's set-up page (10 to 20 minutes, fetch errors on the way); contract B7 and B8 (how
rows and deployments behave), B16 (what is made up).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Literal

from bcrunbook.rehearsal import world
from bcrunbook.rehearsal.cloud import RehearsalCloud
from bcrunbook.rehearsal.state import Document

INSTALLATION: Final = "bcInstallation"
"""The kind of record; its partition is the tenant, its key the environment's first name."""

PUBLISHER: Final = "Codat"
NAME: Final = "App Link"
"""With the publisher, all that the extension is known by: contract C11.6."""
APP_ID: Final = "c0da7a11-5b0e-4c6e-9d52-2f7f4f0b7c11"
"""Invented, as the versions are: Codat publishes neither (contract C11.6)."""
Version = tuple[int, int, int, int]
VERSION: Final[Version] = (1, 4, 27, 0)
OLDER_VERSION: Final[Version] = (1, 4, 12, 0)
TENANT_SCOPE: Final = " PTE"
GLOBAL_SCOPE: Final = "Global"
"""`publishedAs` as the service spells it, the leading blank included (contract B7.4)."""

State = Literal["refused", "installing", "installed", "uninstalled", "unpublished"]
Removal = Literal["uninstalled", "unpublished"]
Act = Literal["install", "uninstall", "unpublish", "update"]

_OUTCOMES: Final[dict[Act, State]] = {
    "install": "installed",
    "uninstall": "uninstalled",
    "unpublish": "unpublished",
    "update": "installed",
}
_MINUTE: Final = 60.0


@dataclass(frozen=True)
class Script:
    """How an installation goes.

    Args:
        name: the script's name.
        linked_at: when Codat's connection reads Linked.
        installed_at: when the extension is there; None never.
        published_as: ` PTE` or `Global`.
        refusal: whether whoever links may not install.
        fails_at: when the deployment reads Failed, whatever becomes of the extension.
        upgrading_until: until when the platform itself is being upgraded.
        renamed_at: when the environment gets another name.
        removed: what happens to the extension later.
        removed_at: when.
        version: which version comes.
    """

    name: str
    linked_at: float = 15 * _MINUTE
    installed_at: float | None = 15 * _MINUTE
    published_as: str = TENANT_SCOPE
    refusal: bool = False
    fails_at: float | None = None
    upgrading_until: float = 0.0
    renamed_at: float | None = None
    removed: Removal | None = None
    removed_at: float = 25 * _MINUTE
    version: Version = VERSION


SCRIPTS: Final = {
    one.name: one
    for one in (
        Script("normal"),
        Script(
            "slow",
            linked_at=20 * _MINUTE,
            installed_at=20 * _MINUTE,
            published_as=GLOBAL_SCOPE,
            # Leaves an update to be found: only Marketplace apps are ever offered one.
            version=OLDER_VERSION,
        ),
        Script("fetch_errors", linked_at=5 * _MINUTE, installed_at=20 * _MINUTE),
        Script("licence_missing", installed_at=None, refusal=True),
        Script("never_finishes", linked_at=5 * _MINUTE, installed_at=None),
        Script("deployment_failed", fails_at=10 * _MINUTE),
        Script("later_uninstalled", removed="uninstalled"),
        Script("later_unpublished", removed="unpublished"),
        Script(
            "upgrading",
            linked_at=25 * _MINUTE,
            installed_at=25 * _MINUTE,
            upgrading_until=10 * _MINUTE,
        ),
        Script("renamed", renamed_at=5 * _MINUTE),
    )
}


@dataclass(frozen=True)
class Deed:
    """What somebody did to the extension.

    Args:
        act: what.
        at: the installation's age when it was asked for.
        done_at: its age when it is done.
        by: who asked (a person's sign-in name or an application's id).
    """

    act: Act
    at: float
    done_at: float
    by: str


@dataclass(frozen=True)
class Progress:
    """How an installation stands at one instant.

    Args:
        script: how it goes.
        began: when it began (seconds since the epoch).
        age: seconds of the rehearsal clock since then.
        deeds: what was done by hand since, oldest first.
        by: who asked for it in the admin centre; empty where Codat did.
    """

    script: Script
    began: float
    age: float
    deeds: tuple[Deed, ...] = ()
    by: str = ""

    @property
    def state(self) -> State:
        """How the extension stands; what was done by hand overrides the script."""
        done = [deed for deed in self.deeds if deed.done_at <= self.age]
        if done:
            return _OUTCOMES[done[-1].act]
        script = self.script
        if script.refusal:
            return "refused"
        if script.installed_at is None or self.age < script.installed_at:
            return "installing"
        # Whoever has asked for something by hand has taken it over from the script.
        if script.removed is not None and self.age >= script.removed_at and not self.deeds:
            return script.removed
        return "installed"

    @property
    def version(self) -> Version:
        """The package's version."""
        updated = any(d.act == "update" and d.done_at <= self.age for d in self.deeds)
        return VERSION if updated else self.script.version

    @property
    def under_way(self) -> Deed | None:
        """What was asked for by hand and is not done yet."""
        return next((deed for deed in self.deeds if deed.done_at > self.age), None)

    @property
    def is_linked(self) -> bool:
        """Whether Codat has finished linking."""
        return not self.script.refusal and self.age >= self.script.linked_at

    @property
    def is_readable(self) -> bool:
        """Whether the extension is there, so that Codat can fetch."""
        return self.state == "installed"

    @property
    def is_upgrading(self) -> bool:
        """Whether the environment's platform is being upgraded."""
        return self.age < self.script.upgrading_until

    def moment(self, cloud: RehearsalCloud, age: float) -> float:
        """The wall time (seconds since the epoch) of an age."""
        return cloud.clock.after(self.began, age)


def begin(cloud: RehearsalCloud, tenant: str, environment: str, *, by: str = "") -> None:
    """Begin an installation, unless one is under way or the extension is there.

    Within a transaction of the store.

    Args:
        cloud: the rehearsal cloud.
        tenant: the tenant's id.
        environment: the environment's name.
        by: who asked for it in the admin centre; empty where Codat did.

    Raises:
        LookupError: the tenant has no such environment.
    """
    one = _known(cloud, tenant, environment)
    known = progress(cloud, tenant, one.name)
    if known is not None and known.state in ("installing", "installed"):
        return
    runs = _runs(cloud, one)
    run: Document = {"began": cloud.clock.now(), "by": by, "deeds": []}
    cloud.store.put(INSTALLATION, tenant, one.name, {"runs": [*runs, run]})


def progress(cloud: RehearsalCloud, tenant: str, environment: str) -> Progress | None:
    """How App Link stands in an environment; None when it was never begun there."""
    one = find_environment(cloud, tenant, environment)
    runs = history(cloud, one) if one is not None else []
    return runs[-1] if runs else None


def history(cloud: RehearsalCloud, one: world.Environment) -> list[Progress]:
    """Every installation in an environment, oldest first; an earlier one as it was at its end."""
    runs = _runs(cloud, one)
    ends = [*(run["began"] for run in runs[1:]), cloud.clock.now()][: len(runs)]
    script = SCRIPTS[one.script]
    found: list[Progress] = []
    for run, end in zip(runs, ends, strict=True):
        found.append(
            Progress(
                script,
                run["began"],
                cloud.clock.age(run["began"], now=end),
                tuple(Deed(**deed) for deed in run["deeds"]),
                run["by"],
            )
        )
        if not script.refusal:
            # A second installation goes smoothly; only a missing licence stays missing.
            script = replace(SCRIPTS["normal"], published_as=script.published_as)
    return found


def act(
    cloud: RehearsalCloud,
    tenant: str,
    environment: str,
    deed: Act,
    *,
    by: str = "",
    takes: float = 0.0,
) -> None:
    """Do something to the extension by hand.

    Within a transaction of the store; whether it may be done is the caller's to know.

    Args:
        cloud: the rehearsal cloud.
        tenant: the tenant's id.
        environment: the environment's name.
        deed: what to do.
        by: who asks.
        takes: seconds of the rehearsal clock until it is done.

    Raises:
        LookupError: the tenant has no such environment, or nothing was ever installed there.
    """
    one = _known(cloud, tenant, environment)
    known = progress(cloud, tenant, one.name)
    if known is None:
        raise LookupError(environment)
    *earlier, run = _runs(cloud, one)
    done: Document = {"act": deed, "at": known.age, "done_at": known.age + takes, "by": by}
    run = {**run, "deeds": [*run["deeds"], done]}
    cloud.store.put(INSTALLATION, tenant, one.name, {"runs": [*earlier, run]})


def find_environment(cloud: RehearsalCloud, tenant: str, name: str) -> world.Environment | None:
    """The environment that has this name, or had it before it was renamed; case does not matter."""
    return _by_first_name(tenant).get(name.lower()) or _renamed_to(cloud, tenant, name)


def environment_named(cloud: RehearsalCloud, tenant: str, name: str) -> world.Environment | None:
    """The environment that has this name now; case does not matter."""
    one = find_environment(cloud, tenant, name)
    if one is None or name.lower() != current_name(cloud, one).lower():
        return None
    return one


def current_name(cloud: RehearsalCloud, environment: world.Environment) -> str:
    """The name that an environment has now."""
    return environment.name if renamed(cloud, environment) is None else _new_name(environment)


def renamed(cloud: RehearsalCloud, environment: world.Environment) -> float | None:
    """When an environment was renamed (seconds since the epoch); None when it was not."""
    after = SCRIPTS[environment.script].renamed_at
    runs = _runs(cloud, environment) if after is not None else []
    if after is None or not runs:
        return None
    moment: float = cloud.clock.after(runs[0]["began"], after)
    return moment if cloud.clock.now() >= moment else None


def _new_name(environment: world.Environment) -> str:
    return f"{environment.name}-renamed"


def _renamed_to(cloud: RehearsalCloud, tenant: str, name: str) -> world.Environment | None:
    for one in world.environments_of(tenant):
        if name.lower() == _new_name(one).lower() and renamed(cloud, one) is not None:
            return one
    return None


@cache
def _by_first_name(tenant: str) -> dict[str, world.Environment]:
    return {one.name.lower(): one for one in world.environments_of(tenant)}


def _known(cloud: RehearsalCloud, tenant: str, environment: str) -> world.Environment:
    one = find_environment(cloud, tenant, environment)
    if one is None:
        raise LookupError(environment)
    return one


def _runs(cloud: RehearsalCloud, one: world.Environment) -> list[Document]:
    document = cloud.store.latest(INSTALLATION, one.tenant, one.name)
    return [] if document is None else list(document["runs"])
