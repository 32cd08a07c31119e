"""What a world is like: all of it follows from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    ORDER,
    REGISTER_APPLICATION,
    START_HERE,
)
from tests.support.linking import SCRIPTS

Start = Literal["nothing", "registered", "stored", "enabled", "linking", "linked"]
Slip = Literal["not yet", "twice", "typo", "later", "says only", "does only", "wrong place"]
Deed = Literal[
    "secret deleted",
    "secret added",
    "colleague's secret",
    "value lost",
    "consent withdrawn",
    "scope added",
    "redirect added",
    "application renamed",
    "integration disabled",
    "extension removed",
    "customer unlinked",
]

Ending = Literal["rotated", "retired", "restored"]
"""What becomes of the trial at the end: its secret is replaced, it is retired, or taken up again
after that."""

Strict = Literal["no secrets", "exempt", "no consumers", "no codat", "short secrets", "no consent"]
"""What an account's tenant forbids."""

STARTS: Final[tuple[Start, ...]] = (
    "nothing",
    "registered",
    "stored",
    "enabled",
    "linking",
    "linked",
)
_OFTEN: Final = (18, 54, 15, 4, 5, 4)
"""How often worlds begin at each. Installations take long to follow."""
_WITH_KEYS: Final = ("stored", "enabled", "linking", "linked")
_UPGRADED: Final = (0.0, 490.0, 670.0, 671.0)
"""When an upgrade ends, in seconds of the installation: as scripted, or while something else fails
that an installation disturbs."""
_PAUSES: Final = (90.0, 90.0, 1800.0, 14400.0)
_HOSTS: Final = (
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "api.codat.io",
    "api.businesscentral.dynamics.com",
)
_KINDS: Final[tuple[dict[str, Any], ...]] = (
    {"status": 429, "headers": {"Retry-After": "2"}},
    {"status": 429, "headers": {"Retry-After": "200"}},
    {"status": 500},
    {"status": 503},
    {"status": 403},
    {"status": 200, "body": "<html>sign on</html>"},
    {"delay": 30.0},
    {"drop": "before"},
    {"drop": "after"},
    {"hold": "before"},
    {"hold": "after"},
)
_LAST_REQUEST: Final = 40
_MOST_DOORS: Final = 2.8
"""The logarithm of the last door at which a process may die: short ways are drawn as often as long
ones, as what is asked for may be short."""
_AHEAD: Final = (-1200.0, -300.0, -45.0, 45.0, 300.0, 1200.0)
_MOST_STEPS: Final = 3.2
"""The same for steps, of which there are more than doors."""
_STEPS: Final[dict[Start, tuple[tuple[tuple[str, ...], int], ...]]] = {
    "nothing": (
        ((REGISTER_APPLICATION,), 6),
        ((START_HERE, REGISTER_APPLICATION, CLIENT_SECRET), 3),
        ((), 1),
    ),
    "registered": (
        ((CLIENT_SECRET,), 10),
        ((API_PERMISSIONS,), 4),
        ((CLIENT_SECRET, API_PERMISSIONS), 3),
        ((), 1),
    ),
    "stored": (((CODAT_KEYS, ENABLE_INTEGRATION), 8), ((), 1)),
    "enabled": (((LINK_CUSTOMER,), 5), ((), 1)),
    "linking": (((LINK_CUSTOMER,), 5), ((), 1)),
    "linked": (((LINK_CUSTOMER,), 5), ((), 1)),
}
"""Which steps are asked for, and how often; none named is all."""
_SLIPS: Final[tuple[Slip, ...]] = get_args(Slip)
_OF_ACCOUNTS: Final[tuple[Deed, ...]] = (
    "secret deleted",
    "secret added",
    "colleague's secret",
    "value lost",
    "consent withdrawn",
    "scope added",
    "redirect added",
    "application renamed",
    "integration disabled",
)
_SEEN_BY: Final[dict[Deed, str]] = {
    "secret deleted": CLIENT_SECRET,
    "secret added": CLIENT_SECRET,
    "colleague's secret": CLIENT_SECRET,
    "value lost": CLIENT_SECRET,
    "consent withdrawn": API_PERMISSIONS,
    "scope added": API_PERMISSIONS,
    "redirect added": REGISTER_APPLICATION,
    "application renamed": REGISTER_APPLICATION,
    "integration disabled": ENABLE_INTEGRATION,
    "extension removed": LINK_CUSTOMER,
    "customer unlinked": LINK_CUSTOMER,
}
"""Which step sees what others did."""
_OF_CUSTOMERS: Final[tuple[Deed, ...]] = ("extension removed", "customer unlinked")
_STRICT: Final[tuple[Strict, ...]] = get_args(Strict)
_DRIFTS: Final[tuple[Deed, ...]] = (
    "secret deleted",
    "consent withdrawn",
    "application renamed",
    "integration disabled",
)
"""What others do that the weekly check has to see."""


@dataclass(frozen=True)
class Doing:
    """What somebody else does meanwhile.

    Args:
        deed: what.
        command: beside which command, from 0.
        after: how many seconds after that has begun.
    """

    deed: Deed
    command: int
    after: float


@dataclass(frozen=True)
class Drawn:
    """A world.

    Args:
        seed: what it is drawn from.
        start: how far the trial account was when it begins.
        steps: which steps are asked for; all where none is named.
        has_production: whether there is a production account, which requires the trial's.
        customers: the trial's customers, by the names of their scripts.
        upgraded_at: how old, in seconds, an installation is when the upgrade that it met ends; 0
            as scripted.
        is_batch: whether a batch is given, or a run of each account.
        lags: how new things lag.
        ahead: how far the services' clocks are ahead of the program's, in seconds.
        faults: which requests go wrong.
        deaths: at which door each command's process dies; 0 where it lives.
        worker_deaths: the same of a batch's workers, one after the other.
        slips: what people do wrong, one after the other; 0 where they do what a card says.
        doings: what others do meanwhile.
        pause: seconds from the end of a command to the next.
        leap: days that pass once everything has come to rest.
        strict: what the tenant forbids; empty where it forbids nothing.
        has_vault: whether an Azure Key Vault keeps the secrets.
        checked_after: days from then on to the check of everything; 0 where nobody gives it.
        drift: what somebody else does before that.
        step_deaths: at which step each command's process dies; 0 where it lives.
        other_ahead: how far the clock of another machine, on which the same commands are given, is
            ahead of the ledger's, in seconds; None where there is no other.
        other_after: how many seconds later they are given there.
        ending: what becomes of the trial when all has come to rest; empty where it goes on.
        ending_faults: which requests go wrong meanwhile.
        ending_deaths: at which door each of its commands dies; 0 where it lives.
        ending_step_deaths: the same for steps.
    """

    seed: int
    start: Start
    steps: tuple[str, ...] = ()
    has_production: bool = False
    customers: tuple[str, ...] = ()
    upgraded_at: float = 0.0
    is_batch: bool = False
    lags: str = "worst"
    ahead: float = 0.0
    faults: tuple[dict[str, Any], ...] = ()
    deaths: tuple[int, ...] = ()
    worker_deaths: tuple[int, ...] = ()
    slips: tuple[Slip, ...] = ()
    doings: tuple[Doing, ...] = ()
    pause: float = 90.0
    leap: int = 0
    strict: Strict | Literal[""] = ""
    has_vault: bool = False
    checked_after: int = 0
    drift: Deed | Literal[""] = ""
    step_deaths: tuple[int, ...] = ()
    other_ahead: float | None = None
    other_after: float = 0.0
    ending: Ending | Literal[""] = ""
    ending_faults: tuple[dict[str, Any], ...] = ()
    ending_deaths: tuple[int, ...] = ()
    ending_step_deaths: tuple[int, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            f"  {name}: {value}"
            for name in self.__dataclass_fields__
            if (value := getattr(self, name))
        )


def drawn(seed: int) -> Drawn:
    """The world of a seed.

    Args:
        seed: any number.
    """
    draw = random.Random(seed)
    start = draw.choices(STARTS, _OFTEN)[0]
    customers: tuple[str, ...] = ()
    if start in ("linking", "linked") or (start == "enabled" and draw.random() < 0.4):
        scripts = [*sorted(SCRIPTS), *["upgrading"] * 3]
        count = draw.choices((1, 2), (8, 1))[0]
        customers = tuple(sorted({draw.choice(scripts) for _ in range(count)}))
    deeds = [
        *(one for one in _OF_ACCOUNTS if one != "integration disabled" or start in _WITH_KEYS),
        *(_OF_CUSTOMERS * 3 if customers else ()),
    ]
    doings = tuple(
        Doing(draw.choice(deeds), draw.randrange(2), round(draw.expovariate(1 / 20), 1))
        for _ in range(draw.choices((0, 1, 2), (15, 4, 1))[0])
    )
    leap = draw.choices((0, 150, 200), (23, 1, 1))[0]
    is_batch = draw.random() < (0.35 if customers else 0.06)
    ways = _STEPS[start]
    steps = draw.choices([way for way, _ in ways], [often for _, often in ways])[0]
    if steps and (doings or leap):
        # What others change, and what time does, is there to be seen.
        seen_by = {_SEEN_BY[one.deed] for one in doings} | ({CLIENT_SECRET} if leap else set())
        steps = tuple(one for one in ORDER if one in {*steps, *seen_by})
    if is_batch or (start == "enabled" and not customers):
        steps = ()
    world = Drawn(
        seed,
        start,
        steps=steps,
        has_production=start == "enabled" and not customers and draw.random() < 0.5,
        customers=customers,
        upgraded_at=draw.choice(_UPGRADED) if "upgrading" in customers else 0.0,
        is_batch=is_batch,
        lags=draw.choice(("worst", "usual")),
        ahead=draw.choice((0.0, 0.0, 0.0, -300.0, 40.0, 400.0, 7200.0)),
        faults=tuple(_fault(draw) for _ in range(draw.choice((0, 1, 1, 2, 3)))),
        deaths=tuple(_death(draw) for _ in range(draw.choices((0, 1, 2), (2, 5, 3))[0])),
        worker_deaths=tuple(_death(draw) for _ in range(draw.choice((0, 1, 2)))) * is_batch,
        slips=tuple(draw.choice(_SLIPS) for _ in range(draw.choice((0, 0, 1, 2)))),
        doings=doings,
        pause=draw.choice(_PAUSES),
        leap=leap,
    )
    return _drawn_further(draw, world)


def _drawn_further(draw: random.Random, world: Drawn) -> Drawn:
    """What was added to worlds later: drawn last, so that the rest stays as it was."""
    strict: Strict | Literal[""] = ""
    if world.start == "nothing" and draw.random() < 0.12:
        strict = draw.choice(_STRICT)
    steps = world.steps
    if strict and not world.is_batch and steps:
        seen = API_PERMISSIONS if strict == "no consent" else CLIENT_SECRET
        steps = tuple(one for one in ORDER if one in {*steps, seen})
    is_checked = draw.random() < (0.25 if world.start in _WITH_KEYS else 0.03)
    drift: Deed | Literal[""] = ""
    if is_checked:
        drifts = list(_DRIFTS)
        if world.doings:
            # The newest secret may be somebody else's.
            drifts.remove("secret deleted")
        if world.start not in _WITH_KEYS:
            drifts.remove("integration disabled")
        drift = draw.choice(("", *drifts, *(_OF_CUSTOMERS if world.customers else ())))
    if drift and steps:
        steps = tuple(one for one in ORDER if one in {*steps, _SEEN_BY[drift]})
    has_other = not world.is_batch and draw.random() < 0.06
    world = replace(
        world,
        strict=strict,
        steps=steps,
        has_vault=world.start in ("nothing", "registered") and not strict and draw.random() < 0.1,
        checked_after=draw.randrange(2, 10) if is_checked else 0,
        drift=drift,
        step_deaths=tuple(
            int(10 ** draw.uniform(0, _MOST_STEPS)) for _ in range(draw.choice((0, 0, 0, 1, 2)))
        ),
        other_ahead=draw.choice(_AHEAD) if has_other else None,
        other_after=round(draw.expovariate(1 / 60), 1) if has_other else 0.0,
    )
    return _with_ending(draw, world)


def _with_ending(draw: random.Random, world: Drawn) -> Drawn:
    """What becomes of the trial in the end; drawn after everything else."""
    ending: Ending | Literal[""] = draw.choices(("", *get_args(Ending)), (79, 5, 11, 5))[0]
    if not ending:
        return world
    return replace(
        world,
        ending=ending,
        ending_faults=tuple(_fault(draw) for _ in range(draw.choice((0, 1, 2)))),
        ending_deaths=tuple(_death(draw) for _ in range(draw.choice((0, 1, 2)))),
        ending_step_deaths=tuple(
            int(10 ** draw.uniform(0, _MOST_STEPS)) for _ in range(draw.choice((0, 0, 1, 2)))
        ),
    )


def _fault(draw: random.Random) -> dict[str, Any]:
    last = draw.choice((6, 12, _LAST_REQUEST))
    nth = sorted(draw.sample(range(1, last), draw.choice((1, 1, 2, 4))))
    return {"host": draw.choice(_HOSTS), "nth": nth, **draw.choice(_KINDS)}


def _death(draw: random.Random) -> int:
    return int(10 ** draw.uniform(0, _MOST_DOORS)) if draw.random() < 0.8 else 0
