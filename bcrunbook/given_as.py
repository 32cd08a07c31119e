"""How a person gives a value where they are: an option of a command, or a notebook's parameter.

What is wrong is found far below both, and told in the same words. But an option does not exist in a
notebook, and a parameter does not exist on the command line, so an error that says what to give
asks here how. Whoever shows it has said which of the two it is: `main` of the command line, and the
call that opens a step in a notebook.
"""

from __future__ import annotations

from enum import Enum


class Place(Enum):
    """Where a person reads the program's words."""

    COMMAND = "--{name} {value}"
    NOTEBOOK = "the parameter {name} (papermill: -r {name} {value})"
    PROGRAM = "the argument {name}"
    """Nobody has said: the package is used by another program."""


class _ReadAt:
    place = Place.PROGRAM


def speak_to(place: Place) -> None:
    """Say where the words of this process are read from now on.

    Args:
        place: where.
    """
    _ReadAt.place = place


def is_notebook() -> bool:
    """Whether the words of this process are read in a notebook."""
    return _ReadAt.place is Place.NOTEBOOK


def given_as(name: str, value: str) -> str:
    """How a value is given here, for the middle of a sentence.

    Args:
        name: what it is called: the option without its dashes, the parameter.
        value: what stands for the value, in capitals: `DIR`.
    """
    return _ReadAt.place.value.format(name=name, value=value)
