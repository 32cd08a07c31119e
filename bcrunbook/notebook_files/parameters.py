"""A notebook's parameters: strings, checked on entry, never a secret.

papermill only warns about a parameter that a notebook does not have, turns `0012` into 12, and
writes every value in plain text into the output notebook. Where it finds no tag `parameters` it
only warns as well, and puts the values above the notebook's own defaults, which then win. So names,
types, shapes and whether they arrived are checked here, by the first cell that runs.
"""

from __future__ import annotations

import json
import linecache
from collections.abc import Mapping
from typing import Any, Final

from bcrunbook.core.step import AnyStep, Mode
from bcrunbook.errors import FixInput, NotFound, nearest
from bcrunbook.notebook_files.cells import UNREAD, assigned, is_papermills
from bcrunbook.notebook_files.shipped import shipped
from bcrunbook.order import RETIRE_ACCOUNT, RETIRE_CUSTOMER, ROTATE_SECRET
from bcrunbook.secrets import looks_like_secret
from bcrunbook.steps import notebook_of

MODES: Final = ("auto", *(mode.value for mode in Mode))
NAMES: Final = ("account", "mode", "workspace")
CUSTOMER: Final = "customer"
"""The further parameter of a step that is about one customer."""
WISHES: Final = {
    ROTATE_SECRET: "replace",
    RETIRE_CUSTOMER: "also",
    RETIRE_ACCOUNT: "also",
}
"""The further parameter of a step that is asked for something besides, by the step's id."""

TAG: Final = "parameters"
"""The tag of the cell with the defaults, below which papermill puts the values that it is given."""

# How the names begin that papermill puts in by itself: with --inject-paths, for instance.
_PAPERMILLS_OWN: Final = "PAPERMILL_"


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
                why="papermill turns values that look like numbers or words such as off into"
                " something else with -p, and so does YAML with those in a file (-f, -y)",
                next=f"give it with -r instead of -p: papermill ... -r {name} VALUE; in YAML, put"
                f' the value in quotes: {name}: "VALUE"',
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


def names_of(step: AnyStep) -> tuple[str, ...]:
    """The parameters of a step's notebook."""
    account, *others = NAMES
    whom = (CUSTOMER,) if step.is_per_customer else ()
    wish = (WISHES[step.id],) if step.id in WISHES else ()
    return (account, *whom, *wish, *others)


def refuse_unknown(step: AnyStep) -> None:
    """Refuse values that were put into this notebook for parameters that it does not have.

    Raises:
        NotFound: with the nearest valid name.
    """
    names = names_of(step)
    for source in _cells_run()[:-1]:
        found = assigned(source)
        if not is_papermills(source) and found.keys().isdisjoint(names):
            continue  # a cell of the person's own
        for name in found:
            if name not in names and not name.startswith(("_", _PAPERMILLS_OWN)):
                raise NotFound(
                    f'There is no parameter "{shown(name)}".',
                    where="the notebook's parameters",
                    next=nearest(name, names),
                )


def refuse_lost(step: AnyStep, used: Mapping[str, str]) -> None:
    """Refuse values that were put into this notebook where its own defaults, or others, win.

    The kernel does not know the notebook, but all cells that it has run: first the one with the
    defaults, then the one with the values that were given, if any. What came in another order, or
    to a cell further down, is not what the step was opened with.

    Args:
        step: the step.
        used: what it is opened with.

    Raises:
        FixInput: naming both values.
    """
    names = names_of(step)
    cells = [(source, assigned(source)) for source in _cells_run()]
    cells = [(source, found) for source, found in cells if not found.keys().isdisjoint(names)]
    for index, (source, found) in enumerate(cells):
        if index == 0 and _are_defaults(step, source, found, cells[-1][1]):
            continue
        for name in names:
            value = found.get(name, UNREAD)
            if value is not UNREAD and value != used[name]:
                raise FixInput(
                    f'The notebook was given {name} = "{shown(value)}", and its step has'
                    f' "{shown(used[name])}".',
                    where="the notebook's parameters",
                    why=f'the values that were given did not arrive: no cell has the tag "{TAG}",'
                    " or more than one, or another than that with the defaults; or a cell below"
                    " sets others",
                    next=f'give the cell with the defaults, and no other, the tag "{TAG}"; or move'
                    " the notebook away and lay out a fresh one with bcrunbook init",
                )


def _are_defaults(
    step: AnyStep, source: str, first: Mapping[str, Any], last: Mapping[str, Any]
) -> bool:
    """Whether the first cell that sets parameters is the notebook's own, which sets them all."""
    if is_papermills(source) or not first.keys() >= set(names_of(step)):
        return False
    return last is first or last != _defaults(step)


def _defaults(step: AnyStep) -> dict[str, Any]:
    """What the notebook of this version has."""
    cells = json.loads((shipped() / notebook_of(step)).read_text("utf-8"))["cells"]
    (tagged,) = (one for one in cells if TAG in one["metadata"].get("tags", ()))
    return assigned("".join(tagged["source"]))


def _cells_run() -> list[str]:
    """The sources of the cells that this kernel has run, the one that runs now included."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return []
    history = list(shell.history_manager.input_hist_parsed)[1:]  # type: ignore[union-attr]
    if history:
        return history
    # nbval has nothing put into the history. But for tracebacks the lines of every cell are kept.
    is_cell = shell.compile.format_code_name
    return ["".join(linecache.getlines(name)) for name in list(linecache.cache) if is_cell(name)]


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
