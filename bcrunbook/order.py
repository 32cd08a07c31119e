"""The order of the steps, as their ids: numbers, notebooks' names and what texts call them follow.

A step is called by its id everywhere. What people read ("step 4", `04_codat_keys`) is made here, so
that a step which is put in between is named in one place. It knows nothing of what the steps do, so
that every layer may speak of them.
"""

from __future__ import annotations

from typing import Final

START_HERE: Final = "start_here"
REGISTER_APPLICATION: Final = "register_application"
CLIENT_SECRET: Final = "client_secret"
API_PERMISSIONS: Final = "api_permissions"
CODAT_KEYS: Final = "codat_keys"
ENABLE_INTEGRATION: Final = "enable_integration"
LINK_CUSTOMER: Final = "link_customer"
HEALTH_CHECK: Final = "health_check"

ORDER: Final[tuple[str, ...]] = (
    START_HERE,
    REGISTER_APPLICATION,
    CLIENT_SECRET,
    API_PERMISSIONS,
    CODAT_KEYS,
    ENABLE_INTEGRATION,
    LINK_CUSTOMER,
    HEALTH_CHECK,
)
"""The way from nothing to customers, and the check that everything still stands."""

ROTATE_SECRET: Final = "rotate_secret"

RETIRE_CUSTOMER: Final = "retire_customer"
RETIRE_ACCOUNT: Final = "retire_account"
RESTORE_ACCOUNT: Final = "restore_account"

ENDING: Final[tuple[str, ...]] = (RETIRE_CUSTOMER, RETIRE_ACCOUNT, RESTORE_ACCOUNT)
"""What ends an account or a customer, and what takes that back."""

UPKEEP: Final[tuple[str, ...]] = (ROTATE_SECRET, *ENDING)
"""What an integration that is set up needs in the years after, when its time has come."""

NUMBERED: Final[tuple[str, ...]] = (*ORDER, *UPKEEP)
"""All of them: where a step stands here is its number."""


def ref(*steps: str) -> str:
    """What a text calls one step, or several: `step 4`, `steps 1 and 2`.

    Args:
        steps: the steps' ids.

    Raises:
        ValueError: there is no such step.
    """
    numbers = [str(NUMBERED.index(step)) for step in steps]
    return f"step{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)}"


def ref_with_id(step: str) -> str:
    """What a text calls a step that the reader shall run: `step 4 (codat_keys)`.

    Args:
        step: the step's id.

    Raises:
        ValueError: there is no such step.
    """
    return f"{ref(step)} ({step})"


def notebook_number(step: str) -> str:
    """The number with which a step's notebook begins: `04`.

    Args:
        step: the step's id.

    Raises:
        ValueError: there is no such step.
    """
    return f"{NUMBERED.index(step):02d}"


def notebook_name(step: str) -> str:
    """What a step's notebook is called, without the ending: `04_codat_keys`.

    Args:
        step: the step's id.

    Raises:
        ValueError: there is no such step.
    """
    return f"{notebook_number(step)}_{step}"


def section_in_notebook(section: str) -> str:
    """Where a section is to be read: `codat_keys#which-instance` is in `04_codat_keys`.

    Args:
        section: a step's id, with `#` and the heading's anchor unless all of its notebook is meant.

    Raises:
        ValueError: there is no such step.
    """
    step, mark, anchor = section.partition("#")
    return f"{notebook_name(step)}{mark}{anchor}"
