"""Which client secret somebody asks to be replaced before its time, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.errors import FixInput

_LEAKED: Final = "leaked:"
_MARKER: Final = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True)
class Replacement:
    """A secret that is to be replaced though its end is far.

    Naming it makes the wish safe to repeat: once it is gone, there is nothing left to be done.

    Args:
        marker: our marker in the secret's description.
        is_leaked: whether others may know its value: then it goes first, whatever stops by that.

    Raises:
        FixInput: that is no marker; it is not repeated, as it may be the secret itself.
    """

    marker: str
    is_leaked: bool = False

    def __post_init__(self) -> None:
        if not _MARKER.fullmatch(self.marker):
            raise FixInput(
                "This is no marker of a client secret.",
                where="the secret to be replaced",
                why="a marker is the eight digits and letters a to f that end the secret's"
                " description: (bcrunbook 1a2b3c4d)",
                next="read it in the Azure portal, under Certificates & secrets of the application",
            )

    @classmethod
    def parse(cls, text: str) -> Replacement | None:
        """Read what a notebook's parameter says.

        Args:
            text: a marker, `leaked:` and a marker, or nothing.

        Returns:
            None where nothing is named: then the secret is meant whose time has come.

        Raises:
            FixInput: it is something else.
        """
        return cls(text.removeprefix(_LEAKED), text.startswith(_LEAKED)) if text else None

    def __str__(self) -> str:
        return f"{_LEAKED if self.is_leaked else ''}{self.marker}"
