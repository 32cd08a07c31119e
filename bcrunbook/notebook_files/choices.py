"""Which account and customer a person chose instead of those in a notebook's parameters.

Kept in the workspace, so that the next notebook begins where the last one was, and so that every
kernel and every page sees the same. A parameter that is changed counts for itself again. Imports
nothing heavy, because Jupyter's server waits for it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from bcrunbook.atomic_write import atomic_write
from bcrunbook.notebook_files.own_folder import made_own_folder, own_folder

_FILE: Final = "chosen.json"


def chosen(root: Path, parameter: str, given: str) -> str:
    """What was chosen instead of a parameter's value; the value itself where nothing was.

    Args:
        root: the workspace's folder.
        parameter: `account` or `customer`.
        given: what the parameter says.
    """
    return _read(root).get(parameter, {}).get(given, given)


def chosen_pair(
    root: Path, account: str, customer: str, customers: Mapping[str, Collection[str]]
) -> tuple[str, str]:
    """Account and customer as they were chosen, where they are still there.

    Args:
        root: the workspace's folder.
        account: what the parameter says.
        customer: what that parameter says; empty where there is none.
        customers: the accounts there are, each with the names of its customers.
    """
    instead = chosen(root, "account", account)
    if instead not in customers:
        instead = account
    if customer and instead in customers:
        own = customers[instead]
        customer = chosen(root, "customer", customer)
        if customer not in own and instead != account and own:
            customer = next(iter(own))
    return instead, customer


def account_label(name: str, kind: str) -> str:
    """An account to choose: its name with its kind, which are often the same word."""
    return name if name == kind else f"{name} ({kind})"


def choose(root: Path, parameter: str, given: str, instead: str) -> None:
    """Keep a choice; it takes the place of the one before.

    Args:
        root: the workspace's folder.
        parameter: `account` or `customer`.
        given: what the parameter says.
        instead: what was chosen.
    """
    # Only the last choice counts: an older one, made instead of another value, would surprise.
    kept = _read(root) | {parameter: {given: instead}}
    # A choice that cannot be kept holds for this notebook all the same.
    with contextlib.suppress(OSError):
        # Kernels and pages look at it all the time.
        atomic_write(made_own_folder(root) / _FILE, json.dumps(kept, indent=1).encode("utf-8"))


def _read(root: Path) -> dict[str, dict[str, str]]:
    try:
        kept = json.loads((own_folder(root) / _FILE).read_text("utf-8"))
        return {
            str(name): {str(given): str(instead) for given, instead in pairs.items()}
            for name, pairs in kept.items()
        }
    except (OSError, ValueError, AttributeError):
        return {}
