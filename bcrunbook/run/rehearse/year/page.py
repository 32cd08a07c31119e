"""The story of a year as a page: for a manager, in plain words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from bcrunbook.run.rehearse.year.story import Interruption, Story, named
from bcrunbook.run.report import write_page
from bcrunbook.views.span import span

PAGE: Final = "year.html"
_TEMPLATE: Final = "year.html"
_NUMBERS: Final = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)


def write_year(folder: Path, story: Story) -> Path:
    """Write the page.

    Args:
        folder: where it goes.
        story: the year.

    Returns:
        The page.

    Raises:
        Unreachable: it cannot be written.
    """
    page = folder / PAGE
    write_page(
        page,
        _TEMPLATE,
        title="A year",
        story=story,
        summary=summary(story),
        length=_length,
        month=_month,
        lanes=[(account, _of_account(story, account)) for account in story.accounts],
    )
    return page


def summary(story: Story) -> str:
    """The year in a few sentences.

    Args:
        story: the year.
    """
    quiet = sum(not one.found for one in story.checks)
    parts = [
        f"{_counted(len(story.accounts), 'account').capitalize()} and"
        f" {_counted(story.customers, 'customer')} were looked at"
        f" {_counted(len(story.checks), 'time')}; {quiet} times there was nothing to do.",
        f"{_counted(story.planned, 'client secret').capitalize()}"
        f" {_was(story.planned)} replaced in time, and no data stopped by that.",
    ]
    if story.leaked:
        parts.append(
            f"{_counted(story.leaked, 'secret').capitalize()} had leaked and"
            f" {_was(story.leaked)} replaced."
        )
    for one in story.mended:
        parts.append(f"Data of {one.whose} did not flow for {_length(one)}: {one.why}.")
    if story.left:
        have = "has" if len(story.left) == 1 else "have"
        parts.append(f"{named(story.left)} {have} left.")
    return " ".join(parts)


def _of_account(story: Story, account: str) -> list[Interruption]:
    return [one for one in story.interruptions if one.account == account]


def _length(one: Interruption) -> str:
    return "for good" if one.length is None else span(one.length)


def _month(first: datetime) -> str:
    return f"{first:%B %Y}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _counted(count: int, noun: str) -> str:
    word = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"{word} {noun}" if count == 1 else f"{word} {noun}s"
