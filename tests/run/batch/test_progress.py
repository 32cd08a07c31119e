"""What a batch's progress counts, and what its report shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.run.batch.progress import BatchProgress, StepSummary
from bcrunbook.run.batch.report import attention, write_batch_report
from bcrunbook.run.batch.selection import WorkItem

NOW = datetime.now(UTC).isoformat()
EVIL = "<script>alert(1)</script>"
ITEMS = (WorkItem("trial"), WorkItem("trial", "mill"), WorkItem("prod"))


def summary(who: str, step: str, state: str, *, was_run: bool = True, **more: Any) -> StepSummary:
    """How a step ended."""
    account, _, customer = who.partition("/")
    data: dict[str, Any] = {
        "summary": "Told.",
        "next": "",
        "notebook": f"{who}/{step}.ipynb",
        "card": "",
    }
    data |= {"seconds": 1.0, "exit_code": {"done": 0, "failed": 1, "needs_person": 3}[state]}
    if not was_run:
        data["notebook"] = ""
    return StepSummary(account, customer, step, state, NOW, was_run=was_run, **data | more)


@pytest.fixture
def progress() -> BatchProgress:
    """Two of three have ended; one of them was taken over from before."""
    made = BatchProgress(ITEMS)
    made.take_over("trial", [summary("trial", "start_here", "done")])
    made.begin_step(ITEMS[2], "start_here")
    made.end_step(
        summary("prod", "start_here", "needs_person", next=f"ask {EVIL}", card="prod/c.html")
    )
    made.end_step(summary("prod", "register_application", "needs_person", was_run=False))
    made.end_item(ITEMS[2])
    made.begin_step(ITEMS[1], "link_customer")
    return made


def test_what_is_counted(progress: BatchProgress) -> None:
    """Who has ended, how steps stand, what somebody has to look at, the worst exit code."""
    assert progress.ended == 2 and progress.running == {"trial/mill": "link_customer"}
    assert progress.states == {("start_here", "done"): 1, ("start_here", "needs_person"): 1}
    assert [one.who for one in attention(progress)] == ["prod"]
    assert progress.exit_code == 3
    assert progress.per_minute() > 0
    left = progress.seconds_left()
    assert left is not None and left >= 0


def test_the_head_of_the_report_counts_accounts_and_customers(
    progress: BatchProgress, tmp_path: Path
) -> None:
    """As many as have ended, however many steps each of them has."""
    for step in ("register_application", "client_secret"):
        progress.end_step(summary("trial", step, "done"))
    write_batch_report(tmp_path / "report.html", progress, cloud="live", title="Batch 7")
    head = (tmp_path / "report.html").read_text("utf-8").partition("What is to be done")[0]
    counts = re.findall(r'class="tag \w+">(\d+) ([^<]+)<', head)
    assert counts == [("1", "done"), ("1", "needs a person")]
    assert sum(int(number) for number, _ in counts) == progress.ended


def test_what_failed_comes_first(progress: BatchProgress) -> None:
    """Then what needs a person, in the order of the file."""
    progress.end_step(summary("trial/mill", "link_customer", "failed", next="mend it"))
    progress.end_step(summary("trial", "client_secret", "needs_person", next="wait for Ada"))
    assert [one.who for one in attention(progress)] == ["trial/mill", "trial", "prod"]


def test_a_summary_comes_back_from_plain_data() -> None:
    """As the ledger keeps it."""
    one = summary("trial/mill", "link_customer", "failed", next="mend it")
    assert StepSummary(**one.as_dict()) == one


def test_the_report(progress: BatchProgress, tmp_path: Path) -> None:
    """What is to be done first, then everybody by steps; texts from outside stay texts."""
    report = tmp_path / "report.html"
    write_batch_report(report, progress, cloud="live", title="Batch 7")
    page = report.read_text("utf-8")
    assert EVIL not in page and "Live cloud." in page
    words = " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())
    assert "2 of 3 have ended, the rest is still to come." in words
    todo, accounts, customers = (
        words.index(one) for one in ("What is to be done", "Accounts", "Customers")
    )
    assert todo < words.index(f"ask {EVIL}") < accounts < words.index("not run") < customers
    assert "not yet" in words[customers:]
    for link in (
        "prod/c.html",
        "prod/start_here.ipynb",
        "trial/start_here.ipynb",
        "#prod-start_here",
    ):
        assert f'href="{link}"' in page
    # Whole and readable offline: nothing is fetched.
    assert not re.search(r'(src|href)="https?:', page)
