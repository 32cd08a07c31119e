"""bcrunbook: sets up Dynamics 365 Business Central for Codat.

The public door for programs. Everything in `__all__` is loaded when it is first asked for, so that
importing the package costs nothing.

    workspace = bcrunbook.load(bcrunbook.find_workspace(None))
    try:
        outcome = await bcrunbook.run_step(workspace, "trial", "start_here", bcrunbook.Mode.PLAN)
    except bcrunbook.FixInput as error:
        print(error)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bcrunbook.accounts import Account, Customer, Workspace, find_workspace, load
    from bcrunbook.core.step import Change, Mode, Outcome, State
    from bcrunbook.errors import (
        AnswerLost,
        AskAdministrator,
        FixInput,
        NotFound,
        ReportBug,
        RunbookError,
        SignInAgain,
        Unreachable,
        WaitAndRetry,
    )
    from bcrunbook.run.step import run_step
    from bcrunbook.steps import STEPS

__version__ = "0.1.0"

__all__ = [
    "STEPS",
    "Account",
    "AnswerLost",
    "AskAdministrator",
    "Change",
    "Customer",
    "FixInput",
    "Mode",
    "NotFound",
    "Outcome",
    "ReportBug",
    "RunbookError",
    "SignInAgain",
    "State",
    "Unreachable",
    "WaitAndRetry",
    "Workspace",
    "__version__",
    "find_workspace",
    "load",
    "run_step",
]

_HOMES: Final = {
    "STEPS": "bcrunbook.steps",
    "Account": "bcrunbook.accounts",
    "AnswerLost": "bcrunbook.errors",
    "AskAdministrator": "bcrunbook.errors",
    "Change": "bcrunbook.core.step",
    "Customer": "bcrunbook.accounts",
    "FixInput": "bcrunbook.errors",
    "Mode": "bcrunbook.core.step",
    "NotFound": "bcrunbook.errors",
    "Outcome": "bcrunbook.core.step",
    "ReportBug": "bcrunbook.errors",
    "RunbookError": "bcrunbook.errors",
    "SignInAgain": "bcrunbook.errors",
    "State": "bcrunbook.core.step",
    "Unreachable": "bcrunbook.errors",
    "WaitAndRetry": "bcrunbook.errors",
    "Workspace": "bcrunbook.accounts",
    "find_workspace": "bcrunbook.accounts",
    "load": "bcrunbook.accounts",
    "run_step": "bcrunbook.run.step",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
