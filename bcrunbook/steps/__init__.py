"""The steps, in the order in which they are done. One id names module, notebook and tests."""

from __future__ import annotations

import itertools
from typing import Final

from bcrunbook.core.step import AnyStep
from bcrunbook.errors import NotFound, nearest
from bcrunbook.order import ORDER, notebook_name
from bcrunbook.steps.api_permissions import ApiPermissions
from bcrunbook.steps.client_secret.step import ClientSecret
from bcrunbook.steps.codat_keys import CodatKeys
from bcrunbook.steps.description import RunbookStep
from bcrunbook.steps.enable_integration import EnableIntegration
from bcrunbook.steps.health_check import HealthCheck
from bcrunbook.steps.link_customer.step import LinkCustomer
from bcrunbook.steps.register_application import RegisterApplication
from bcrunbook.steps.restore_account import RestoreAccount
from bcrunbook.steps.retire_account.step import RetireAccount
from bcrunbook.steps.retire_customer import RetireCustomer
from bcrunbook.steps.rotate_secret import RotateSecret
from bcrunbook.steps.start_here import StartHere


def _in_order(*steps: RunbookStep) -> tuple[RunbookStep, ...]:
    return tuple(sorted(steps, key=lambda step: ORDER.index(step.id)))


_SET_UP_AND_LINK: Final = _in_order(
    StartHere(),
    RegisterApplication(),
    ClientSecret(),
    ApiPermissions(),
    CodatKeys(),
    EnableIntegration(),
    LinkCustomer(),
)

STEPS: Final[tuple[RunbookStep, ...]] = _in_order(*_SET_UP_AND_LINK, HealthCheck(_SET_UP_AND_LINK))

UPKEEP_STEPS: Final[tuple[RunbookStep, ...]] = (
    RotateSecret(),
    RetireCustomer(),
    RetireAccount(),
    RestoreAccount(),
)
"""What an integration that is set up needs when its time has come."""

SETUP_STEPS: Final[tuple[RunbookStep, ...]] = tuple(
    itertools.takewhile(lambda step: not step.is_per_customer, STEPS)
)
"""The steps that set an account up, once; what follows is about its customers and afterwards."""


EVERY_STEP: Final = (*STEPS, *UPKEEP_STEPS)
"""All of them, in the order of their numbers."""


def step_named(name: str) -> RunbookStep:
    """The step with this id.

    Raises:
        NotFound: there is none, with the nearest one.
    """
    for step in EVERY_STEP:
        if step.id == name:
            return step
    raise NotFound(
        f'There is no step "{name}".',
        where="step",
        next=nearest(name, [step.id for step in EVERY_STEP]),
    )


def notebook_of(step: AnyStep) -> str:
    """The file name of a step's notebook."""
    return f"{notebook_name(step.id)}.ipynb"
