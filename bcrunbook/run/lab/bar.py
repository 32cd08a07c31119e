"""What the bar in JupyterLab shows: one answer for every page, made where all is known.

What a kernel says that it does counts before what was chosen, which counts before what a notebook's
parameters say. Imports nothing heavy, because Jupyter's server waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bcrunbook.notebook_files import choices
from bcrunbook.notebook_files.kernel_sessions import KernelSession
from bcrunbook.order import ORDER, notebook_name
from bcrunbook.run.lab.asked import NotebookAsks, Notebooks
from bcrunbook.run.lab.glance import Glimpse, SeenAccount

Look = Callable[[str, str], Glimpse]
"""What is known, for an account and a customer by their names."""

ACCOUNT: Final = "account"
CUSTOMER: Final = "customer"

_FIRST: Final = f"notebooks/{notebook_name(ORDER[0])}.ipynb"
# What a person can do something about comes first.
_URGENCY: Final = ("click", "ended", "person", "working")
_UNKNOWN: Final = SeenAccount("", is_production=False, is_rehearsal=False, tenant="", customers={})


@dataclass(frozen=True)
class OpenNotebook:
    """A notebook that a page shows, and its kernel.

    Args:
        path: from the workspace, with slashes; empty if the page shows none.
        kernel: its kernel's id; empty if it has none.
    """

    path: str
    kernel: str


@dataclass(frozen=True)
class Kernels:
    """The kernels of the server.

    Args:
        sessions: the open steps, by kernel.
        paths: the notebooks, by kernel.
    """

    sessions: Mapping[str, KernelSession]
    paths: Mapping[str, str]


class Bar:
    """The bar of one workspace.

    Args:
        root: the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._notebooks = Notebooks(root)

    def shown(self, notebook: OpenNotebook, kernels: Kernels, look: Look) -> dict[str, Any]:
        """What the bar shows beside a notebook, as plain data.

        Args:
            notebook: the notebook in front.
            kernels: what the kernels do.
            look: what is known of the workspace.
        """
        asked, given = self._given(notebook, kernels)
        session = kernels.sessions.get(notebook.kernel)
        chosen, customer = self._chosen(given, look("", ""))
        at_work = session if session is not None and session.account else None
        name = at_work.account if at_work else chosen
        of_customer = at_work.customer if at_work else customer
        seen = look(name, of_customer)
        account = seen.accounts.get(name, _UNKNOWN)
        is_behind = at_work is not None and (
            name != chosen or (bool(customer) and of_customer != customer)
        )
        return {
            "problem": seen.problem or (session.error if session else ""),
            "is_rehearsal": at_work.cloud == "rehearsal" if at_work else account.is_rehearsal,
            "is_production": (at_work.is_production if at_work else False) or account.is_production,
            "account": {
                "name": name,
                "options": [[key, one.label] for key, one in seen.accounts.items()],
            },
            "customer": {
                "name": of_customer,
                "options": [list(pair) for pair in account.customers.items()],
            }
            if given.get(CUSTOMER)
            else None,
            "behind": _behind(name, chosen, of_customer, customer) if is_behind else "",
            "locked": _locked(name, kernels.sessions),
            "tenant": (at_work.tenant if at_work else "") or account.tenant,
            "signed_in": (at_work.signed_in if at_work else "") or seen.signed_in,
            "mode": at_work.mode if at_work else given.get("mode", ""),
            "way_line": seen.way_line,
            "way_html": seen.way_html,
            "is_ours": bool(asked.step),
            "has_run": session is not None,
            "waits": _waits(notebook, kernels),
        }

    def choose(
        self, what: str, name: str, notebook: OpenNotebook, kernels: Kernels, look: Look
    ) -> str:
        """Keep a person's choice, for every notebook.

        Args:
            what: `account` or `customer`.
            name: which.
            notebook: the notebook in front.
            kernels: what the kernels do.
            look: what is known of the workspace.

        Returns:
            Why it was not kept; empty if it was.
        """
        _, given = self._given(notebook, kernels)
        seen = look("", "")
        account, _ = self._chosen(given, seen)
        customers = seen.accounts.get(account, _UNKNOWN).customers
        known = {ACCOUNT: [*seen.accounts], CUSTOMER: [*customers]}.get(what, [])
        if name not in known or not given.get(what):
            return f'There is no {what} "{name}" to choose here.'
        if locked := _locked(account, kernels.sessions):
            return locked
        choices.choose(self._root, what, given[what], name)
        return ""

    def _given(
        self, notebook: OpenNotebook, kernels: Kernels
    ) -> tuple[NotebookAsks, Mapping[str, str]]:
        """What a notebook asks for, and the parameters that count."""
        asked = self._notebooks.asked(notebook.path)
        session = kernels.sessions.get(notebook.kernel)
        if session is not None:
            return asked, {**asked.given, **session.given}
        if asked.step:
            return asked, asked.given
        # Beside anything else, an account is what the first step would work with.
        first = self._notebooks.asked(_FIRST).given
        return asked, {ACCOUNT: first[ACCOUNT]} if ACCOUNT in first else {}

    def _chosen(self, given: Mapping[str, str], seen: Glimpse) -> tuple[str, str]:
        """Account and customer as they are chosen; as given where there is no such choice."""
        customers = {name: one.customers for name, one in seen.accounts.items()}
        return choices.chosen_pair(
            self._root, given.get(ACCOUNT, ""), given.get(CUSTOMER, ""), customers
        )


def _behind(name: str, chosen: str, customer: str, chosen_customer: str) -> str:
    """What to say while a kernel still works with something else than what was chosen."""
    if name != chosen:
        return f"still with {name}; {chosen} is chosen"
    return f"still with {customer}; {chosen_customer} is chosen"


def _locked(account: str, sessions: Mapping[str, KernelSession]) -> str:
    """Why nothing else can be chosen now; empty if it can."""
    for session in sessions.values():
        if session.account == account and session.is_at_work:
            return (
                f"A notebook is at work with {session.account_label or account}. Choose again when"
                " that has ended, or stop it first."
            )
    return ""


def _waits(notebook: OpenNotebook, kernels: Kernels) -> list[dict[str, Any]]:
    """What is waited for, or done, in any notebook; the one in front first."""
    waits = [
        {
            **asdict(session.attention),
            "path": kernels.paths.get(kernel, ""),
            "is_here": kernel == notebook.kernel,
        }
        for kernel, session in kernels.sessions.items()
        if session.attention.kind in _URGENCY
    ]
    return sorted(waits, key=lambda one: (not one["is_here"], _URGENCY.index(one["kind"])))
