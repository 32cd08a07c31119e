"""Texts from outside are shown as texts: no script runs in a page, no escape steers a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bcrunbook.accounts import Account, Customer
from bcrunbook.cli import output, tables
from bcrunbook.core.step import Change, Outcome, Row, State
from bcrunbook.errors import FixInput
from bcrunbook.run.account import StepRun
from bcrunbook.run.cards import write_card
from bcrunbook.run.report import write_report
from bcrunbook.services.codat.models import Company, Connection
from bcrunbook.steps import notebook_of, step_named
from bcrunbook.steps.link_customer.findings import CustomerFindings
from bcrunbook.steps.link_customer.installation.poll import DeploymentEvent, Package, Poll, Trouble
from bcrunbook.steps.link_customer.installation.verdict import judge
from bcrunbook.views import cells
from bcrunbook.views.cells import Tick

# Its texts hold no secret; what other tests of this process made known may be a part of them.
pytestmark = pytest.mark.scrubs

EVIL = (
    "<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07\x9b31m"
    "\u202e\u200b\u200f\u061c\u2066\ufeffgpj\"'><img src=x onerror=y>"
)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
CHANGE = Change(EVIL, EVIL, (Row(EVIL, EVIL, EVIL, EVIL),), subject=EVIL, action="update")
STEERING = ("\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\u200f", "\u061c", "\u2066", "\ufeff")


def findings() -> CustomerFindings:
    """A link's findings with the same text wherever the outside world may put one."""
    poll = Poll(
        NOW,
        60.0,
        "PendingAuth",
        errors=(Trouble(EVIL, EVIL, EVIL, NOW, is_active=True),),
        data=EVIL,
        packages=(Package(EVIL, EVIL, (1, 0), EVIL, is_installed=False),),
        deployments=(DeploymentEvent(EVIL, EVIL, NOW, EVIL),),
        operations=None,
        environment=EVIL,
        unknown={"operations": EVIL, "extension": EVIL},
        hiccups=(EVIL,),
    )
    connection = {"id": "c", "status": EVIL, "platformName": EVIL, "linkUrl": "", "created": NOW}
    return CustomerFindings(
        account=Account.model_construct(name="trial", application=EVIL, customers={}),
        customer=Customer.model_construct(
            name="evil", display_name=EVIL, contact=EVIL, environment=EVIL, company=EVIL
        ),
        enabled=True,
        company=Company(id="1", name=EVIL),
        twins=1,
        connection=Connection.model_validate(connection),
        poll=poll,
        judgement=judge([poll], None),
        memory=None,
        remembered_as="",
        watched=(poll, replace(poll, packages=None)),
    )


def outcome() -> Outcome:
    """The outcome of those findings."""
    seen, step = findings(), step_named("link_customer")
    return Outcome(
        step.id,
        "trial",
        State.NEEDS_PERSON,
        "apply",
        "rehearsal",
        EVIL,
        seen.rows(),
        step.plan(seen),
        {"what": EVIL, "why": EVIL, "next": EVIL, "who": EVIL, "where": EVIL, "code": EVIL}
        | {"request_id": EVIL, "exit_code": 3, "section": ""},
        NOW,
        NOW,
        NOW,
        customer="evil",
    )


def check_page(html: str) -> None:
    """Nothing of the text is markup, and nothing in it steers."""
    assert "alert(1)" in html
    for markup in ("<script>alert", "<img src=x", "\"'><"):
        assert markup not in html
    check_text(html)


def check_text(text: str) -> None:
    """Nothing in the text steers a terminal."""
    assert not [one for one in STEERING if one in text]


def test_notebook_cells() -> None:
    """Findings, plan, outcome, progress and timeline: as HTML and as plain text."""
    seen, step = findings(), step_named("link_customer")
    for view in (
        cells.findings_view(seen.rows(), seen.timeline),
        cells.findings_view(seen.rows(), before=seen.rows()),
        cells.plan_view(step.plan(seen), ""),
        cells.plan_view([CHANGE], "", ticks={(EVIL, EVIL): Tick("running")}),
        cells.ticked_view([CHANGE], {(EVIL, EVIL): Tick("done", 1.0)}),
        cells.outcome_view(outcome()),
        cells.outcome_view(replace(outcome(), error=None, changes=(CHANGE,)), applied=(CHANGE,)),
        cells.progress_view([EVIL], is_over=False),
        cells.message_view(EVIL),
        cells.error_view(FixInput(EVIL, where=EVIL, why=EVIL, next=EVIL)),
        cells.unforeseen_view(EVIL, EVIL),
        cells.session_view([("Customer", EVIL)], is_rehearsal=True, is_production=False),
        cells.tenant_view(EVIL, EVIL, EVIL),
    ):
        bundle = view._repr_mimebundle_()
        check_page(bundle["text/html"])
        check_page(view.shown_html)
        check_text(bundle["text/plain"])
        check_text(str(view))
    check_text(cells.in_line(FixInput(EVIL, where="a test", next=EVIL)))
    check_text(cells.apply_label(1, EVIL, EVIL))


def test_card_and_report(tmp_path: Path) -> None:
    """The files that are passed on."""
    hostile = outcome()
    step = step_named(hostile.step)
    notebook = tmp_path / notebook_of(step)
    page = write_card(notebook, step, "trial/evil", "rehearsal", hostile.hand_offs)
    check_page(page.read_text("utf-8"))
    check_text(page.with_suffix(".txt").read_text("utf-8"))
    run = StepRun("trial", hostile.step, hostile, notebook, 1.0, page, "evil")
    report = tmp_path / "report.html"
    write_report(report, [run], cloud="rehearsal", title=EVIL)
    check_page(report.read_text("utf-8"))


def test_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, talk and checks of the command line."""
    tables.print_table([EVIL], [[EVIL]])
    output.print_block("heading", {"label": EVIL})
    tables.print_check("ok", EVIL, EVIL)
    output.say(EVIL)
    printed = capsys.readouterr()
    check_text(printed.out)
    check_text(printed.err)
    assert "alert(1)" in printed.out and "alert(1)" in printed.err
