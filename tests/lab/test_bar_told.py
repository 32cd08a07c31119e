"""What Jupyter's server tells the bar: from files of a workspace, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import load
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.notebook_files.kernel_sessions import (
    KernelAttention,
    KernelSession,
    read_sessions,
    sessions_folder,
)
from bcrunbook.order import (
    LINK_CUSTOMER,
    ORDER,
    REGISTER_APPLICATION,
    RETIRE_ACCOUNT,
    RETIRE_CUSTOMER,
    notebook_name,
)
from bcrunbook.run.lab.bar import Bar, Kernels, OpenNotebook
from bcrunbook.run.lab.glance import Glimpse, glance
from bcrunbook.run.lab.known import Known
from bcrunbook.run.layout import lay_out_notebooks
from bcrunbook.steps.retired import note_begun

ACCOUNTS = """
[accounts.trial]
kind = "trial"
tenant = "contoso.com"
application = "Lending (trial)"
[accounts.trial.customers.millrace]
name = "Millrace Software"
contact = "robin@millrace.example"

[accounts.live]
kind = "production"
tenant = "contoso.com"
application = "Lending"
[accounts.live.customers.joinery]
name = "Tidewater Joinery"
contact = "owen@joinery.example"
"""
REGISTER = f"notebooks/{notebook_name(REGISTER_APPLICATION)}.ipynb"
LINK = f"notebooks/{notebook_name(LINK_CUSTOMER)}.ipynb"
NO_KERNELS = Kernels({}, {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace of two accounts, with its notebooks."""
    (tmp_path / "accounts.toml").write_text(ACCOUNTS, "utf-8")
    lay_out_notebooks(tmp_path)
    return tmp_path


class Told:
    """The bar of a workspace, asked as a page asks it."""

    def __init__(self, root: Path) -> None:
        self.bar = Bar(root)
        self.known = Known(root)

    def shown(self, path: str = REGISTER, kernels: Kernels = NO_KERNELS) -> dict[str, Any]:
        """What it shows beside a notebook, whose kernel is `k`."""
        return self.bar.shown(OpenNotebook(path, "k"), kernels, self.known.look)

    def choose(
        self, what: str, name: str, path: str = REGISTER, kernels: Kernels = NO_KERNELS
    ) -> str:
        """Choose something beside a notebook; why that was not kept."""
        return self.bar.choose(what, name, OpenNotebook(path, "k"), kernels, self.known.look)


def session(account: str = "trial", **differs: Any) -> KernelSession:
    """What a kernel says of itself."""
    given = {"account": "trial", "customer": ""}
    return KernelSession(step=REGISTER_APPLICATION, given=given, account=account, **differs)


def test_a_glance_names_the_same_accounts_as_a_look(root: Path) -> None:
    """With the same labels and customers, before the rest of the program has been read."""
    seen, known = glance(root).accounts, Known(root).look("", "").accounts
    assert list(seen) == list(known) == ["trial", "live"]
    for name, one in seen.items():
        other = known[name]
        assert (one.label, one.is_production, one.is_rehearsal, one.customers) == (
            other.label,
            other.is_production,
            other.is_rehearsal,
            other.customers,
        )


def test_before_anything_has_run(root: Path) -> None:
    """Accounts, tenant and steps are told, and that the notebook has not run; no ledger is made."""
    shown = Told(root).shown()
    assert shown["account"] == {
        "name": "trial",
        "options": [["trial", "trial"], ["live", "live (production)"]],
    }
    assert (shown["tenant"], shown["is_production"], shown["customer"]) == (
        "contoso.com",
        False,
        None,
    )
    assert (shown["is_ours"], shown["has_run"], shown["waits"]) == (True, False, [])
    assert (
        shown["way_line"].startswith(f"0 of {len(ORDER)} steps done; next: 0. ")
        and "Link a customer" in shown["way_html"]
    )
    assert not (root / "ledger.db").exists()


def test_what_is_retired_is_told(root: Path) -> None:
    """In the lists, on the way, and in what comes next; the others are told as before."""
    workspace = load(root)
    with open_ledger(workspace.ledger_url, root) as ledger:
        trial, live = (workspace.account(name).identity for name in ("trial", "live"))
        note_begun(ledger, Scope(trial, RETIRE_CUSTOMER, "millrace"))
        ledger.record(Scope(live, RETIRE_ACCOUNT), FactKind.RETIRED, "live", "observed", {})
    told = Told(root)
    accounts = dict(told.shown()["account"]["options"])
    assert "retired" not in accounts["trial"] and "retired on" in accounts["live"]
    assert told.choose("customer", "millrace", LINK) == ""
    beside = told.shown(LINK)
    assert "being retired since" in dict(beside["customer"]["options"])["millrace"]
    assert "bcrunbook retire trial --customer millrace" in beside["way_html"]
    assert told.choose("account", "live") == ""
    shown = told.shown()
    assert shown["way_line"].startswith("retired on")
    assert "bcrunbook restore live" in shown["way_html"] and "you are here" not in shown["way_html"]


def test_a_choice_counts_for_every_notebook(root: Path) -> None:
    """And a customer that the chosen account does not have makes way for one that it has."""
    told = Told(root)
    assert told.choose("account", "live") == ""
    other = told.shown(LINK)
    assert (other["account"]["name"], other["is_production"]) == ("live", True)
    assert other["customer"] == {"name": "joinery", "options": [["joinery", "Tidewater Joinery"]]}


@pytest.mark.parametrize(
    ("what", "name"), [("account", "nobody"), ("customer", "millrace"), ("mode", "apply")]
)
def test_what_cannot_be_chosen_is_refused(what: str, name: str, root: Path) -> None:
    """An account that is not there, a customer of a step that has none, and anything else."""
    told = Told(root)
    assert "to choose here" in told.choose(what, name)
    assert told.shown()["account"]["name"] == "trial"


def test_nothing_else_is_chosen_while_a_kernel_is_at_work(root: Path) -> None:
    """Whichever notebook it is; a question that waits for a click does not hold anybody up."""
    told = Told(root)
    asking = Kernels({"other": session(attention=KernelAttention("click", "Apply", "apply"))}, {})
    at_work = Kernels({"other": session(attention=KernelAttention("working", "At work"))}, {})
    assert "at work with trial" in told.choose("account", "live", kernels=at_work)
    assert told.shown(kernels=at_work)["locked"]
    assert told.choose("account", "live", kernels=asking) == ""


def test_what_the_kernel_does_counts_before_what_was_chosen(root: Path) -> None:
    """And the difference is said."""
    told = Told(root)
    kernels = Kernels({"k": session("live", is_production=True, cloud="live", mode="ask")}, {})
    shown = told.shown(kernels=kernels)
    assert (shown["account"]["name"], shown["is_production"], shown["mode"]) == (
        "live",
        True,
        "ask",
    )
    assert shown["behind"] == "still with live; trial is chosen"
    assert told.choose("account", "live", kernels=kernels) == ""
    assert told.shown(kernels=kernels)["behind"] == ""


def test_what_waits_anywhere_is_told_the_notebook_in_front_first(root: Path) -> None:
    """Then what a person can do something about."""
    waits = {
        "far": session(attention=KernelAttention("working", "Installing", "apply", 7)),
        "near": session(attention=KernelAttention("click", "Apply 1 change", "apply")),
        "k": session(attention=KernelAttention("person", "Somebody links", "apply")),
        "idle": session(),
    }
    paths = {"near": REGISTER, "far": LINK}
    shown = Told(root).shown(kernels=Kernels(waits, paths))["waits"]
    assert [(one["text"], one["path"], one["is_here"]) for one in shown] == [
        ("Somebody links", "", True),
        ("Apply 1 change", REGISTER, False),
        ("Installing", LINK, False),
    ]
    assert shown[-1]["minutes"] == 7


def test_a_mistake_is_told_and_gone_when_it_is_mended(root: Path) -> None:
    """In a sentence, with no account that was there before."""
    told = Told(root)
    told.shown()
    (root / "accounts.toml").write_text(ACCOUNTS.replace('"trial"', '"trail"'), "utf-8")
    shown = told.shown()
    assert "accounts.toml" in shown["problem"] and shown["account"]["options"] == []
    (root / "accounts.toml").write_text(ACCOUNTS, "utf-8")
    assert told.shown()["problem"] == ""


def test_a_kernel_that_is_no_more_counts_for_nothing(tmp_path: Path) -> None:
    """Its file is removed; one of another server's kernel is kept, and not told."""
    folder = sessions_folder(tmp_path)
    folder.mkdir(parents=True)
    told: dict[str, Any] = dict.fromkeys(KernelSession.__dataclass_fields__, "")
    told |= {"schema": 1, "given": {}, "is_production": False, "account": "trial"}
    told["attention"] = {"kind": "", "text": "", "verb": "", "minutes": None}
    for kernel in ("here", "elsewhere", "dead"):
        (folder / f"{kernel}.json").write_text(json.dumps(told), "utf-8")
    (folder / "broken.json").write_text("{", "utf-8")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "kernel-elsewhere.json").touch()
    found = read_sessions(tmp_path, {"here", "broken"}, runtime)
    assert {kernel: one.account for kernel, one in found.items()} == {"here": "trial"}
    assert sorted(one.stem for one in folder.iterdir()) == ["broken", "elsewhere", "here"]


@pytest.mark.parametrize("path", ["", "accounts.toml", "../outside.ipynb", "/etc/passwd"])
def test_beside_anything_else_the_first_step_counts(path: str, root: Path) -> None:
    """The bar offers the accounts there as well, and says nothing of cells."""
    (root.parent / "outside.ipynb").write_text(
        json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    shown = Told(root).shown(path)
    assert (shown["account"]["name"], shown["is_ours"]) == ("trial", False)


def test_a_glance_at_a_broken_file_finds_nothing(tmp_path: Path) -> None:
    """What is wrong with it is told a moment later."""
    (tmp_path / "accounts.toml").write_text("[accounts", "utf-8")
    assert glance(tmp_path) == glance(tmp_path / "nowhere") == Glimpse({})
