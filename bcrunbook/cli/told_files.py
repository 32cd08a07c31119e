"""Writing the files that tell other programs how a batch or a check ended."""

from __future__ import annotations

from collections.abc import Sequence

from bcrunbook.cli.told import ToldFiles, write_file
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
