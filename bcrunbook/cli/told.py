"""Files that somebody asks for beside what is shown: room for them first, then the content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bcrunbook.atomic_write import atomic_write
from bcrunbook.cli import output
from bcrunbook.errors import FixInput, Unreachable

JunitFile = Annotated[
    Path | None,
    typer.Option(
        "--junit",
        metavar="FILE",
        help="Also write how each step ended into this file, as JUnit XML for a pipeline's server.",
    ),
]
MarkdownFile = Annotated[
    Path | None,
    typer.Option(
        "--markdown",
        metavar="FILE",
        help="Also write it as Markdown, with what people have to do: for a comment or an issue.",
    ),
]


@dataclass(frozen=True)
class ToldFiles:
    """Where other programs are told how it ended.

    Args:
        junit: the file of JUnit XML; None for none.
        markdown: the file of Markdown; None for none.

    Raises:
        FixInput: a file cannot be where one is asked for. Better now than when all has been done.
    """

    junit: Path | None = None
    markdown: Path | None = None

    def __post_init__(self) -> None:
        for option, file in (("--junit", self.junit), ("--markdown", self.markdown)):
            if file is not None:
                make_room(file, option)


def make_room(file: Path, option: str) -> None:
    """See that a file can be where an option says, and make its folder.

    Args:
        file: the file.
        option: the option.

    Raises:
        FixInput: it is a folder, or its folder cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_folder = file.is_dir()
    except OSError as error:
        raise FixInput(
            f"The folder of this file cannot be made ({type(error).__name__}).",
            where=f"{option} {file}",
            next="name a file in a folder that you can write to",
        ) from None
    if is_folder:
        raise FixInput(
            "This is a folder, and a file is needed.",
            where=f"{option} {file}",
            next="name a file in it",
        )


def write_file(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, and say where it is.

    Args:
        file: the file.
        content: all of it.

    Raises:
        Unreachable: it cannot be written.
    """
    try:
        atomic_write(file, content)
    except OSError as error:
        raise Unreachable(
            f"The file cannot be written ({type(error).__name__}).",
            where=str(file),
            why="the disk is full, or somebody else may write there",
            next="name another file; all else was done",
        ) from None
    output.say(f"Written: {file}")
