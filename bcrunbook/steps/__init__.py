"""The steps, in the order in which they are done. One id names module, notebook and tests."""

from __future__ import annotations

import itertools
from typing import Any

from bcrunbook.errors import NotFound, nearest
from bcrunbook.steps.api_permissions import ApiPermissions
from bcrunbook.steps.client_secret import ClientSecret
from bcrunbook.steps.codat_keys import CodatKeys
from bcrunbook.steps.enable_integration import EnableIntegration
from bcrunbook.steps.health_check import HealthCheck
from bcrunbook.steps.link_customer import LinkCustomer
from bcrunbook.steps.register_application import RegisterApplication
from bcrunbook.steps.start_here import StartHere
from bcrunbook.steps.step import Step

STEPS: tuple[Step[Any], ...] = (
    StartHere(),
    RegisterApplication(),
    ClientSecret(),
    ApiPermissions(),
    CodatKeys(),
    EnableIntegration(),
    LinkCustomer(),
    HealthCheck(),
)

SETUP_STEPS: tuple[Step[Any], ...] = tuple(
    itertools.takewhile(lambda step: not step.is_per_customer, STEPS)
)
"""The steps that set an account up, once; what follows is about its customers and afterwards."""


def step_named(name: str) -> Step[Any]:
    """The step with this id.

    Raises:
        NotFound: there is none, with the nearest one.
    """
    for step in STEPS:
        if step.id == name:
            return step
    raise NotFound(
        f'There is no step "{name}".',
        where="step",
        next=nearest(name, [step.id for step in STEPS]),
    )


def notebook_of(step: Step[Any]) -> str:
    """The file name of a step's notebook."""
    return f"{STEPS.index(step):02d}_{step.id}.ipynb"
