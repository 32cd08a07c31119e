"""Writing the files that tell other programs how a batch or a check ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bcrunbook.atomic_write import atomic_write
from bcrunbook.cli import output
from bcrunbook.cli.told import ToldFiles
from bcrunbook.errors import Unreachable
from bcrunbook.run.ended import Ended
from bcrunbook.run.junit import junit
from bcrunbook.run.markdown import markdown


def write_told(files: ToldFiles, ended: Sequence[Ended], title: str) -> None:
    """Write the files that were asked for.

    Args:
        files: where.
        ended: how each step ended.
        title: what the whole is called.

    Raises:
        Unreachable: one cannot be written.
    """
    if files.junit is not None:
        write_file(files.junit, junit(ended, title))
    if files.markdown is not None:
        write_file(files.markdown, markdown(ended, title).encode("utf-8"))


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
