"""A year in a rehearsal: its dates, its story, and (outside of CI) the whole of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bcrunbook.accounts import Workspace
from bcrunbook.cloud import cloud_of
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.errors import FixInput
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, REGISTER_APPLICATION, START_HERE
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.check import check_accounts
from bcrunbook.run.rehearse.workspace import STANDARD, prepare, running_cloud
from bcrunbook.run.rehearse.year.cast import STANDARD_YEAR, Leaked, Removed, Replaced
from bcrunbook.run.rehearse.year.page import summary, write_year
from bcrunbook.run.rehearse.year.play import beginning
from bcrunbook.run.rehearse.year.story import (
    Document,
    Happening,
    Interruption,
    Story,
    WeeklyCheck,
    named,
)
from bcrunbook.skipped import dates
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.run.conftest import bcrunbook, leaks

BEGAN = datetime(2025, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def stopped(
    account: str, began: datetime, lasted: timedelta | None, *, everybody: bool = True
) -> Interruption:
    """A time in which data did not flow."""
    return Interruption(
        whose=f"all customers of {account}" if everybody else "Tidewater <Joinery>",
        account=account,
        began=began,
        noticed=began + HOUR,
        noticed_by="the weekly check",
        why="the secret had leaked",
        ended=None if lasted is None else began + lasted,
        mended_by="Lee Osei",
        is_everybody=everybody,
    )


def story(*interruptions: Interruption, weeks: int = 8) -> Story:
    """A year of few weeks, in which something was found in the third."""
    checks = [
        WeeklyCheck(BEGAN + week * 7 * DAY, ("an end",) if week == 3 else ())
        for week in range(1, weeks + 1)
    ]
    return Story(
        began=BEGAN,
        ended=BEGAN + 100 * DAY,
        accounts=("trial", "production"),
        customers=12,
        left=("Saltmarsh Laboratory",),
        happenings=(
            Happening(BEGAN + 40 * DAY, "Lee Osei", "saved the keys.", "good", "bcrunbook x"),
            Happening(BEGAN, "bcrunbook", "began."),
        ),
        interruptions=interruptions,
        checks=tuple(checks),
        planned=4,
        leaked=1,
        documents=(Document("handover-1/handover.html", "The handover of a day"),),
    )


# --- The story -----------------------------------------------------------------------------------


def test_each_month_has_its_own_and_quiet_ones_are_there_too() -> None:
    """From the first to the last; checks that found nothing are counted apart."""
    months = story().months
    assert [f"{one.first:%Y-%m}" for one in months] == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    assert [(one.checks, one.quiet) for one in months] == [(0, 0), (5, 4), (3, 3), (0, 0), (0, 0)]
    assert [[two.what for two in one.happenings] for one in months][:3] == [
        ["began."],
        [],
        ["saved the keys."],
    ]


def test_what_overlaps_is_stopped_once() -> None:
    """Two interruptions of everybody at a time; one customer alone stops nobody else."""
    told = story(
        stopped("production", BEGAN + 10 * DAY, 10 * DAY),
        stopped("production", BEGAN + 15 * DAY, 10 * DAY),
        stopped("production", BEGAN + 50 * DAY, 10 * DAY, everybody=False),
        stopped("trial", BEGAN, 1 * DAY),
    )
    assert (told.flowed("production"), told.flowed("trial")) == (85.0, 99.0)
    assert [told.share(one) for one in (told.began, BEGAN + 25 * DAY, told.ended)] == [0, 25, 100]


def test_a_manager_is_told_in_sentences() -> None:
    """How often was looked, what was replaced, what stopped and for how long, who has left."""
    text = summary(
        story(
            stopped("production", BEGAN, 3 * HOUR),
            stopped("production", BEGAN, 2 * DAY, everybody=False),
            stopped("production", BEGAN, None, everybody=False),
        )
    )
    assert text.startswith(
        "Two accounts and twelve customers were looked at eight times; 7 times there was nothing"
        " to do. Four client secrets were replaced in time"
    )
    longest, shorter = text.index("did not flow for 2 days"), text.index("did not flow for 3 h")
    assert longest < shorter and text.count("did not flow") == 2
    assert text.endswith("Saltmarsh Laboratory has left.")
    assert [named(["a"]), named(["a", "b"]), named(["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_the_page_tells_it_all(tmp_path: Path) -> None:
    """Whatever is in the story, as text; whoever has left has no end."""
    told = story(
        stopped("production", BEGAN + DAY, 3 * HOUR),
        stopped("production", BEGAN + DAY, None, everybody=False),
    )
    page = write_year(tmp_path, told).read_text("utf-8")
    for text in (
        "Tidewater &lt;Joinery&gt;",
        "for good",
        "3 h",
        "January 2026",
        "saved the keys.",
        "<code>bcrunbook x</code>",
        "5 weekly checks, 4 of them with nothing to do.",
        'href="handover-1/handover.html"',
        "could be read for 99.88 % of the year",
    ):
        assert text in page, text
    assert "<Joinery>" not in page


def test_the_year_is_the_one_that_is_promised() -> None:
    """Two accounts, twelve customers, a leak, a withdrawn consent, two who leave, one successor."""
    year = STANDARD_YEAR
    assert len(year.accounts) == 2 and sum(len(one.customers) for one in year.accounts) == 12
    deeds = list(year.deeds.values())
    removals = [one for one in deeds if isinstance(one, Removed)]
    assert sum(one.leaves for one in removals) == 2
    assert sum(one.what == "application" and not one.leaves for one in removals) == 1
    assert sum(isinstance(one, Leaked) for one in deeds) == 1
    assert sum(isinstance(one, Replaced) for one in deeds) == 1
    assert max(year.deeds) <= year.weeks == 52
    for now in (BEGAN, BEGAN + 3 * DAY, BEGAN + 6.9 * DAY):
        began = beginning(year, now)
        assert (began.weekday(), began.hour) == (0, 9)
        assert timedelta() < now - began - timedelta(weeks=52) <= timedelta(days=9)


# --- Its dates -----------------------------------------------------------------------------------


@pytest.fixture
def dated(tmp_path: Path) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud whose dates began a year ago."""
    with running_cloud(tmp_path, lags="worst", dates_ahead=-365 * 86400.0) as cloud:
        yield cloud
    dates.follow(None)


async def test_half_a_year_is_half_a_year_for_everybody(
    tmp_path: Path, dated: RehearsalDescription
) -> None:
    """The ledger, Entra's tokens and the secret's end: what was far off is due when time is up."""
    workspace: Workspace = await prepare(tmp_path, dated, STANDARD[:1])
    account = workspace.account("trial")
    ours = datetime.now(UTC)
    async with open_context(workspace, account) as context:
        for step in (START_HERE, REGISTER_APPLICATION, CLIENT_SECRET):
            outcome = await run_in_context(step_named(step), context, Mode.APPLY)
            assert outcome.exit_code == 0, outcome.summary
        (end,) = [one.actual for one in outcome.findings if one.name == "Expires"]
        assert end.startswith(f"{ours - timedelta(days=365 - 180):%Y-%m-%d}"), end
        await context.pace.sleep(160 * 86400.0)
        # The same context: its token has expired since, and another is asked for.
        later = await run_in_context(step_named(CLIENT_SECRET), context, Mode.PLAN)
    assert later.state == "pending" and "20 days" in str(later.findings)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        first, *_, last = ledger.runs(account.identity)
    assert abs(first.started_at - (ours - timedelta(days=365))) < timedelta(hours=1)
    assert last.started_at - first.started_at > timedelta(days=160)
    (checked,) = await check_accounts(workspace, ["trial"], began=lambda _: None)
    assert any("in 20 days" in one.actual for one in checked.findings)

    live = account.model_copy(update={"cloud": "live"})
    with pytest.raises(FixInput, match="dates of a rehearsal"):
        cloud_of(workspace, live)


def test_a_year_begins_in_a_new_folder(tmp_path: Path) -> None:
    """What is there already has dates of its own."""
    used = tmp_path / "used"
    used.mkdir()
    (used / "something").write_text("of somebody's", "utf-8")
    done = bcrunbook("rehearse", "--year", "--dir", str(used))
    assert done.returncode == 2 and "begins in a new folder" in done.stderr
    assert [one.name for one in used.iterdir()] == ["something"]


# --- The whole of it -----------------------------------------------------------------------------


@pytest.mark.lasting
@pytest.mark.timeout(900)
def test_a_whole_year(tmp_path: Path) -> None:
    """It comes out as it is meant to, its page tells it, and no secret is anywhere but stored."""
    directory = tmp_path / "year"
    done = bcrunbook("rehearse", "--year", "--dir", str(directory), "--json", timeout=850)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert "Four client secrets were replaced in time" in data["summary"]
    assert "One secret had leaked" in data["summary"]
    assert "Longbarrow Harnham shop and Saltmarsh Laboratory have left." in data["summary"]
    page = Path(data["report"])
    text = page.read_text("utf-8")
    told = ("Tidewater Joinery", "Dana Reyes takes over", "3 days", "for good")
    for what in (*told, "cut the connection"):
        assert what in text, what
    assert len(list(page.parent.glob("handover-*/handover.html"))) == 2
    workspace = directory / "workspace"
    assert leaks(directory / "cloud" / "canaries.txt", [workspace], done.stderr) == []
