"""The steps, in the order in which they are done. One id names module, notebook and tests."""

from __future__ import annotations

import itertools

from bcrunbook.core.step import AnyStep
from bcrunbook.errors import NotFound, nearest
from bcrunbook.steps.api_permissions import ApiPermissions
from bcrunbook.steps.client_secret.step import ClientSecret
from bcrunbook.steps.codat_keys import CodatKeys
from bcrunbook.steps.enable_integration import EnableIntegration
from bcrunbook.steps.health_check import HealthCheck
from bcrunbook.steps.link_customer.step import LinkCustomer
from bcrunbook.steps.register_application import RegisterApplication
from bcrunbook.steps.start_here import StartHere

STEPS: tuple[AnyStep, ...] = (
    StartHere(),
    RegisterApplication(),
    ClientSecret(),
    ApiPermissions(),
    CodatKeys(),
    EnableIntegration(),
    LinkCustomer(),
    HealthCheck(),
)

SETUP_STEPS: tuple[AnyStep, ...] = tuple(
    itertools.takewhile(lambda step: not step.is_per_customer, STEPS)
)
"""The steps that set an account up, once; what follows is about its customers and afterwards."""


def step_named(name: str) -> AnyStep:
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


def notebook_of(step: AnyStep) -> str:
    """The file name of a step's notebook."""
    return f"{STEPS.index(step):02d}_{step.id}.ipynb"
