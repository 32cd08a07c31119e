"""A notebook's parameters: strings, checked on entry, never a secret.

papermill only warns about a parameter that a notebook does not have, turns `0012` into 12, and
writes every value in plain text into the output notebook. So names, types and shapes are checked
here, by the first cell that runs.
"""

from __future__ import annotations

from typing import Any

from bcrunbook.errors import FixInput, NotFound, nearest
from bcrunbook.secrets import looks_like_secret
from bcrunbook.steps.step import Mode, Step

MODES = ("auto", *(mode.value for mode in Mode))
NAMES = ("account", "mode", "workspace")
CUSTOMER = "customer"
"""The further parameter of a step that is about one customer."""

_PLAIN = (str, int, float, bool, list, dict, type(None))


def check(**values: Any) -> None:
    """Check the parameters' types and shapes.

    Raises:
        FixInput: one is not a string, or looks like a secret (its value is not repeated).
        NotFound: the mode does not exist.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            raise FixInput(
                f"The parameter {name} must be a string, not {type(value).__name__}.",
                where=f"parameter {name}",
                why="papermill turns values that look like numbers into numbers with -p",
                next=f"give it with -r instead of -p: papermill ... -r {name} VALUE",
            )
        if looks_like_secret(value):
            raise FixInput(
                f"The value of the parameter {name} looks like a secret.",
                where=f"parameter {name}",
                why="parameters are kept in plain text in the output notebook",
                next="delete the output notebook, replace that secret, and give references only"
                " (keyring:..., file:..., env:...) in accounts.toml",
            )
    if values["mode"] not in MODES:
        raise NotFound(
            f'There is no mode "{values["mode"]}".',
            where="parameter mode",
            next=nearest(values["mode"], MODES),
        )


def names_of(step: Step[Any]) -> tuple[str, ...]:
    """The parameters of a step's notebook."""
    return (NAMES[0], CUSTOMER, *NAMES[1:]) if step.is_per_customer else NAMES


def refuse_unknown(names: tuple[str, ...], *, answered: bool) -> None:
    """Refuse parameters that this notebook does not have: all but `names`.

    Only where nobody answers: in a person's own session, other variables are their own.

    Raises:
        NotFound: with the nearest valid name.
    """
    if answered:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    hidden = set(shell.user_ns_hidden)
    for name, value in shell.user_ns.items():
        if name.startswith("_") or name in hidden or name in names:
            continue
        if name not in ("In", "Out") and isinstance(value, _PLAIN):
            raise NotFound(
                f'There is no parameter "{shown(name)}".',
                where="the notebook's parameters",
                next=nearest(name, names),
            )


def somebody_answers() -> bool:
    """Whether a person is at this kernel who can type and click.

    papermill, nbclient and nbval switch stdin off for every cell; JupyterLab and its relatives
    leave it on.
    """
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def shown(value: Any) -> str:
    """A parameter's value as it may be repeated in a message."""
    text = str(value)
    return "(not shown)" if looks_like_secret(text) or len(text) > 60 else text
