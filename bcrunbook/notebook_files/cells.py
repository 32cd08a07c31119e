"""What the source of a cell says about itself, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Final

CALLS: Final = ("examine", "plan", "apply", "check", "outcome")
"""What a notebook asks of its step, in this order."""

UNREAD: Final = object()
"""The value of a name to which something else than a literal is assigned."""

# What papermill writes above the values that it puts into a notebook.
_PAPERMILLS: Final = "# Parameters"


def parsed(source: str) -> ast.Module:
    """The cell as statements; none where it is not Python.

    Args:
        source: the cell's source, which may hold IPython's own commands.
    """
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager

    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def assigned(source: str) -> dict[str, Any]:
    """The names that a cell assigns at its top level, with their last values there.

    Returns:
        For each name its value, or `UNREAD`.
    """
    found: dict[str, Any] = {}
    for statement in parsed(source).body:
        for name, value in _assignments(statement):
            found[name] = _literal(value)
    return found


def _assignments(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value
                else:
                    names = [one for one in ast.walk(target) if isinstance(one, ast.Name)]
                    yield from ((one.id, None) for one in names if isinstance(one.ctx, ast.Store))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, None


def _literal(value: ast.expr | None) -> Any:
    try:
        return UNREAD if value is None else ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError):
        return UNREAD


def is_papermills(source: str) -> bool:
    """Whether a cell looks like the one in which papermill puts the values that it was given."""
    return source.lstrip().split("\n", 1)[0].rstrip() == _PAPERMILLS
