"""What a command was asked for, and the commands that its end proposes, as they are typed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Asked:
    """What a run was asked for, as far as its end says it again.

    Args:
        title: what was run: `Account trial`.
        again: the command that runs the same once more.
        applying: the command that makes the changes which a plan found.
        to_see: what is to be seen or done when nothing is left open.
        as_json: whether what it came to is printed for programs.
        verbose: whether the path of each notebook is printed.
    """

    title: str
    again: str
    applying: str
    to_see: str
    as_json: bool
    verbose: bool

    @classmethod
    def in_mode(
        cls,
        title: str,
        command: Callable[[str], str],
        mode: str,
        *,
        to_see: str,
        as_json: bool,
        verbose: bool,
    ) -> Self:
        """What was asked for by a command that has a mode.

        Args:
            title: as above.
            command: the command as it is typed in a mode; empty text stands for the usual one.
            mode: the mode that was asked for.
            to_see: as above.
            as_json: as above.
            verbose: as above.
        """
        again = command("" if mode == "auto" else mode)
        return cls(title, again, command("apply"), to_see, as_json, verbose)


def typed(*words: str | None, **options: str | Path | Sequence[str] | None) -> str:
    """A command as it is typed, quoted where a shell wants it.

    Args:
        words: the program's words; None is left out.
        options: options with their values, or several of them; what is None or empty is left out.
    """
    given = [word for word in words if word is not None]
    for name, value in options.items():
        values = [str(value)] if isinstance(value, str | Path) else value or ()
        for one in values:
            given += [f"--{name}", one] if one else []
    return shlex.join(["bcrunbook", *given])
