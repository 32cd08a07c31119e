"""The accounts that `accounts.toml` names, at a glance: enough to choose one.

The bar shows this for the second that reading the rest of the program takes. Nothing is checked
here. Imports nothing heavy, because Jupyter's server waits for it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bcrunbook.notebook_files.choices import account_label

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,29}")


@dataclass(frozen=True)
class SeenAccount:
    """An account as the bar shows it.

    Args:
        label: what a person calls it.
        is_production: whether it is for production use.
        is_rehearsal: whether its cloud is the rehearsal cloud.
        tenant: where its work goes.
        customers: its customers' names, with what a person calls them.
    """

    label: str
    is_production: bool
    is_rehearsal: bool
    tenant: str
    customers: dict[str, str]


@dataclass(frozen=True)
class Glimpse:
    """What is known of a workspace.

    Args:
        accounts: by name, in the order of the file.
        problem: why there are none, or not all; empty if all is well.
        signed_in: who was signed in at the first step of the account that is asked about.
        way_line: how far that account is, in words.
        way_html: the same as a map; safe to be put into a page.
    """

    accounts: dict[str, SeenAccount]
    problem: str = ""
    signed_in: str = ""
    way_line: str = ""
    way_html: str = ""


def glance(root: Path) -> Glimpse:
    """The accounts that are named; none where the file cannot be read.

    Args:
        root: the workspace.
    """
    try:
        data = tomllib.loads((root / "accounts.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return Glimpse({})
    defaults, accounts = _table(data.get("defaults")), _table(data.get("accounts"))
    return Glimpse(
        {
            name: _account(name, {**defaults, **_table(own)})
            for name, own in accounts.items()
            if _NAME.fullmatch(name)
        }
    )


def _account(name: str, data: dict[str, Any]) -> SeenAccount:
    kind = str(data.get("kind", ""))
    customers = _table(data.get("customers"))
    return SeenAccount(
        account_label(name, kind) if kind in ("trial", "production") else name,
        is_production=kind == "production",
        is_rehearsal=data.get("cloud") == "rehearsal",
        tenant="",
        customers={one: str(_table(own).get("name", one)) for one, own in customers.items()},
    )


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
