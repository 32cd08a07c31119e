"""Removing a rehearsal, to begin afresh: only what is surely one, and nothing else beside it."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any, Final

import psutil

from bcrunbook.errors import FixInput

_CLOUD: Final = "cloud"
_WORKSPACE: Final = "workspace"


def is_begun(directory: Path) -> bool:
    """Whether a rehearsal was prepared there, with which the next one goes on.

    Args:
        directory: the rehearsal's folder.
    """
    return (directory / _WORKSPACE / "accounts.toml").is_file()


def remove(directory: Path) -> None:
    """Remove a rehearsal's folder with all that is in it.

    Args:
        directory: the rehearsal's folder; it is there.

    Raises:
        FixInput: it may be something else, or is in use; nothing was removed.
    """
    check(directory)
    try:
        shutil.rmtree(directory)
    except OSError as error:
        raise FixInput(
            f"The rehearsal cannot be removed ({error.strerror or type(error).__name__}).",
            where=str(error.filename or directory),
            next="end what uses it, or name another folder with --dir",
        ) from None


def check(directory: Path) -> None:
    """See that a folder is a rehearsal's, and that nobody uses it.

    Args:
        directory: the folder; it is there.

    Raises:
        FixInput: it may be something else, or is in use.
    """
    if doubt := _doubt(directory):
        raise FixInput(
            "This folder is not surely a rehearsal's, so it is not removed.",
            where=str(directory),
            why=doubt,
            next="look at it and remove it yourself, or name another folder with --dir",
        )
    if _is_running(directory / _CLOUD):
        raise FixInput(
            "The rehearsal is running, so it is not removed.",
            where=str(directory),
            next="end it with Ctrl-C in its terminal first, or name another folder with --dir",
        )


def _doubt(directory: Path) -> str:
    """Why a folder may be something else than a rehearsal's; empty if it is one."""
    parts = (directory, directory / _CLOUD, directory / _WORKSPACE)
    if any(part.is_symlink() or not part.is_dir() for part in parts):
        return f"a rehearsal is a folder that holds {_CLOUD} and {_WORKSPACE}, and no links to them"
    strangers = {one.name for one in directory.iterdir()} - {_CLOUD, _WORKSPACE}
    if strangers:
        return f"it holds {sorted(strangers)[0]} as well"
    if not (directory / _CLOUD / "rehearsal.json").is_file():
        return f"{_CLOUD} has no rehearsal.json"
    try:
        told = tomllib.loads((directory / _WORKSPACE / "accounts.toml").read_text("utf-8"))
        accounts = told["accounts"].values()
        is_rehearsal = bool(accounts) and all(one["cloud"] == "rehearsal" for one in accounts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_rehearsal = False
    return "" if is_rehearsal else f"{_WORKSPACE}/accounts.toml is not that of a rehearsal alone"


def _is_running(cloud: Path) -> bool:
    try:
        told: dict[str, Any] = json.loads((cloud / "rehearsal.json").read_text("utf-8"))
        return str(cloud) in psutil.Process(int(told["pid"])).cmdline()
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False
