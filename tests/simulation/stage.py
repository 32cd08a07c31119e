"""Where a world is set up and played: its scene, its clock, its folder, its doors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Final
from unittest import mock

from bcrunbook.accounts import FILE_NAME, Workspace, load
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import API_PERMISSIONS, CLIENT_SECRET, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import world as tenants
from bcrunbook.rehearsal.businesscentral import installation
from bcrunbook.run.rehearse.workspace import STANDARD, RehearsedCustomer, prepare
from bcrunbook.secrets import known, scrubbing, surroundings
from bcrunbook.secrets.value import registered
from tests.simulation import program
from tests.simulation.chance import seeded
from tests.simulation.drawing import STARTS, Drawn, Start
from tests.simulation.ledger import one_connection
from tests.simulation.others import Others
from tests.simulation.people import People
from tests.simulation.processes import Machine, doors
from tests.simulation.scenes import Scene, files_in
from tests.simulation.standin import StandIn, copied, seeded_records
from tests.simulation.timeline import BEGINNING, Loop, virtual_time
from tests.simulation.world import World
from tests.support.linking import SCRIPTS, lab_customer

_STEPS: Final[dict[Start, tuple[str, ...]]] = {
    "registered": (START_HERE, REGISTER_APPLICATION),
    "stored": (CLIENT_SECRET, API_PERMISSIONS),
}
"""Which steps lead to a scene, where they need no person."""
_NEVER: Final = ("bcrunbook.rehearsal", "bcrunbook.secrets")
"""Where an error that is logged is a fault of the stand-in's own, or a leak that was stopped."""
_UPGRADING: Final = "upgrading"
_TENANTS: Final[dict[str, str]] = {
    "no secrets": tenants.NO_SECRETS,
    "exempt": tenants.EXEMPT_CALLER,
    "no consumers": tenants.NO_CONSUMERS,
    "no codat": tenants.NO_CODAT,
    "short secrets": tenants.SHORT_SECRETS,
}
"""Tenants by what they forbid."""
_SECRET_STORE: Final = re.compile('secret_store = ".*"')
_NO_CONSENT: Final = {
    "host": "graph.microsoft.com",
    "method": "POST",
    "path": "/oauth2PermissionGrants$",
    "status": 403,
}
_BETWEEN: Final = 90.0
"""Seconds from the end of a scene to a world that begins with it."""


class Unrest(Exception):
    """A world has not come to rest: the cause says why.

    Args:
        world: as it is then.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world


@cache
def _folder() -> Path:
    """A folder in memory, the same for every world of this process."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="bcrunbook-", dir=memory if memory.is_dir() else None))
    return made / "world"


def clear() -> None:
    """Leave nothing behind."""
    shutil.rmtree(_folder().parent, ignore_errors=True)


def clear_at_end() -> None:
    """Have this process leave nothing behind when it ends: one of several that play worlds."""
    Finalize(None, clear, exitpriority=0)


@contextlib.contextmanager
def _one_world() -> Iterator[None]:
    """What a process of the program has at its start: no secrets that it would know."""
    registered.clear()
    known._known_now = known.KnownValues()
    surroundings._learnt = {}
    remembered: dict[tuple[int, str], str] = {}

    def without_known_values(text: str) -> str:
        # The same labels are scrubbed again and again, of the same values.
        key = (len(registered), text)
        if key not in remembered:
            remembered[key] = known.without_known_values(text)
        return remembered[key]

    with (
        mock.patch("bcrunbook.secrets.scrubbing.without_known_values", without_known_values),
        mock.patch("bcrunbook.secrets.scrubbing._by_shape", cache(scrubbing._by_shape)),
    ):
        yield


async def _open(
    drawn: Drawn, scene: Scene, customers: Sequence[RehearsedCustomer], *, troubles: bool
) -> World:
    folder = _folder()
    scene.lay_out(folder)
    (folder / "cloud").mkdir(parents=True, exist_ok=True)
    cloud = StandIn(
        folder / "cloud",
        scene.records,
        lags=drawn.lags,
        ahead=drawn.ahead,
        faults=drawn.faults if troubles else (),
        refusals=(_NO_CONSENT,) if drawn.strict == "no consent" else (),
        canaries=scene.canaries,
    )
    trial, production = STANDARD
    accounts = [replace(trial, customers=tuple(customers))]
    if drawn.has_production:
        accounts.append(replace(production, customers=()))
    (folder / "workspace/accounts.toml").unlink(missing_ok=True)
    workspace = await prepare(folder, cloud.description, accounts)
    if drawn.strict or drawn.has_vault:
        workspace = _as_drawn(workspace, cloud, drawn)
    machine, said = Machine(), list[str]()
    others = Others(workspace, cloud, said)
    people = People(workspace, cloud, machine, others, list(drawn.slips), said)
    return World(drawn, folder, cloud, machine, workspace, people, others, said, scene.records)


def _as_drawn(workspace: Workspace, cloud: StandIn, drawn: Drawn) -> Workspace:
    """The workspace, with the tenant and the secret store that are drawn."""
    file = workspace.root / FILE_NAME
    text = file.read_text("utf-8")
    if drawn.has_vault:
        store = f"keyvault:{cloud.description.accounts['trial']['vault']}"
        text = _SECRET_STORE.sub(f'secret_store = "{store}"', text)
    if drawn.strict in _TENANTS:
        text = text.replace(
            f'tenant = "{tenants.TRIAL}"', f'tenant = "{_TENANTS[drawn.strict]}"', 1
        )
    file.write_text(text, "utf-8")
    return load(workspace.root)


def play(drawn: Drawn, judge: Callable[[World], None]) -> World:
    """Play the world of a draw, and come back with it as it is then.

    Args:
        drawn: what it is like.
        judge: called with it when it has come to rest, before its time ends.

    Raises:
        Unrest: it does not come to rest, or something breaks; has the world.
    """
    with staged(drawn, _customers_of(drawn)) as (loop, world):
        try:
            loop.run_until_complete(world.play())
            judge(world)
        except Exception as error:
            raise Unrest(world) from error
        return world


@contextlib.contextmanager
def staged(drawn: Drawn, customers: Sequence[RehearsedCustomer]) -> Iterator[tuple[Loop, World]]:
    """A world at its beginning, and the loop on which it can be played.

    Args:
        drawn: what it is like.
        customers: the trial's customers.
    """
    scene = scene_of(drawn.start, drawn.customers)
    # Whatever is in the scene has been by both clocks.
    with _running(drawn.seed, scene.at + max(0.0, -drawn.ahead)) as loop:
        world = loop.run_until_complete(_open(drawn, scene, customers, troubles=True))
        with _within(loop, world):
            yield loop, world


def _customers_of(drawn: Drawn) -> list[RehearsedCustomer]:
    return [lab_customer(one, SCRIPTS[one]) for one in drawn.customers]


@contextlib.contextmanager
def _running(seed: int | str, at: float) -> Iterator[Loop]:
    with (
        virtual_time(at) as loop,
        seeded(seed),
        _one_world(),
        program.without_notebooks(),
        one_connection(),
    ):
        yield loop


@contextlib.contextmanager
def _within(loop: Loop, world: World) -> Iterator[None]:
    listener, logger = _Listener(world), logging.getLogger()
    logger.addHandler(listener)
    try:
        with (
            doors(loop, world.cloud, world.machines, world.broke),
            world.cloud.browsing(),
            _scripts(world.drawn),
        ):
            yield
    finally:
        logger.removeHandler(listener)


def _scripts(drawn: Drawn) -> contextlib.AbstractContextManager[object]:
    """Meanwhile an environment's upgrade ends as it is drawn."""
    if not drawn.upgraded_at:
        return contextlib.nullcontext()
    changed = replace(installation.SCRIPTS[_UPGRADING], upgrading_until=drawn.upgraded_at)
    return mock.patch.dict(installation.SCRIPTS, {_UPGRADING: changed})


class _Listener(logging.Handler):
    """Keeps what is logged, and apart from it what never has to be."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        said = f"{record.getMessage()} {record.exc_info and record.exc_info[1]!r}"
        self._world.logged.append(said)
        if record.name.startswith(_NEVER) and record.levelno >= logging.ERROR:
            self._world.broke.append(said)


@cache
def scene_of(start: Start, customers: tuple[str, ...] = ()) -> Scene:
    """Where a world begins; played once in each process.

    Args:
        start: how far the trial account is.
        customers: who has linked, where that is so.
    """
    if start == "nothing":
        return _nothing()
    previous = STARTS[STARTS.index(start) - 1]
    scene = scene_of(previous, customers if start == "linked" else ())
    drawn = Drawn(0, previous, _STEPS.get(start, ()), customers=customers)
    with _running(f"the scene {start}", scene.at) as loop:
        world = loop.run_until_complete(_open(drawn, scene, _customers_of(drawn), troubles=False))
        with _within(loop, world):
            loop.run_until_complete(_further(world, start))
        if refused := [one for one in world.said if "refused" in one]:
            raise AssertionError(f"the scene {start!r} cannot be played: {refused}")
        return _left_by(world, loop.time() + _BETWEEN)


async def _further(world: World, start: Start) -> None:
    """Play a scene's part."""
    # What the cards say is done before the next scene, and the toggle is seen in its own.
    for _ in range(2 if start == "enabled" else 1):
        await world.command()
        await world.people.act()
        await asyncio.sleep(_BETWEEN)


def _left_by(world: World, at: float) -> Scene:
    return Scene(
        at,
        copied(world.cloud.store.records),
        world.cloud.canaries.values,
        files_in(world.folder, ("workspace/runs", "cloud/rehearsal.json", "cloud/faults.json")),
    )


def _nothing() -> Scene:
    """A fresh cloud, and a ledger in which nothing is noted."""
    folder = _folder()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "workspace").mkdir(parents=True)
    with _running("nothing", BEGINNING):
        records = seeded_records()
    open_ledger("sqlite:///ledger.db", folder / "workspace").close()
    return Scene(BEGINNING, records, frozenset(), files_in(folder))
