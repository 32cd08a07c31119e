"""The files of a notice: the draft that a mail program opens, and the page for a browser."""

from __future__ import annotations

from pathlib import Path

from bcrunbook.atomic_write import atomic_write
from bcrunbook.errors import FixInput
from bcrunbook.notice.model import Notice


def folder_of(root: Path, account: str) -> Path:
    """Where the notices to an account's customers are kept.

    Args:
        root: the workspace.
        account: the account's name.
    """
    return root / "notices" / account


def write_notice(notice: Notice, folder: Path, customer: str) -> tuple[Path, Path]:
    """Write a notice; an earlier one of the same customer gives way.

    Args:
        notice: what is written.
        folder: where; made if need be.
        customer: the customer's name in accounts.toml.

    Returns:
        The draft and the page.

    Raises:
        FixInput: the folder cannot be written to.
    """
    draft, page = folder / f"{customer}.eml", folder / f"{customer}.html"
    for path, content in ((draft, notice.eml()), (page, notice.html.encode())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write(path, content)
        except OSError as error:
            raise FixInput(
                f"The notice cannot be written ({error.strerror or type(error).__name__}).",
                where=str(path),
                next="choose a folder that can be written to: bcrunbook notice has --out DIR",
            ) from None
    return draft, page
