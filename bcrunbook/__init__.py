"""bcrunbook: sets up Dynamics 365 Business Central for Codat.

The public door for programs. Everything in `__all__` is loaded when it is first asked for, so that
importing the package costs nothing.

    workspace = bcrunbook.load(bcrunbook.find_workspace(None))
    async with bcrunbook.open_context(workspace, workspace.account("trial")) as context:
        step = bcrunbook.step_named("start_here")
        outcome = await bcrunbook.run_step(step, context, bcrunbook.Mode.PLAN)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bcrunbook.accounts import find_workspace, load
    from bcrunbook.core.runner import run_step
    from bcrunbook.core.step import Mode, Outcome, State
    from bcrunbook.run.account import run_account
    from bcrunbook.steps import STEPS, step_named
    from bcrunbook.steps.opening import open_context

__version__ = "0.1.0"

__all__ = [
    "STEPS",
    "Mode",
    "Outcome",
    "State",
    "__version__",
    "find_workspace",
    "load",
    "open_context",
    "run_account",
    "run_step",
    "step_named",
]

_HOMES = {
    "STEPS": "bcrunbook.steps",
    "Mode": "bcrunbook.core.step",
    "Outcome": "bcrunbook.core.step",
    "State": "bcrunbook.core.step",
    "find_workspace": "bcrunbook.accounts",
    "load": "bcrunbook.accounts",
    "open_context": "bcrunbook.steps.opening",
    "run_account": "bcrunbook.run.account",
    "step_named": "bcrunbook.steps",
    "run_step": "bcrunbook.core.runner",
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
