"""docs/guide/other-clients.md and the task that tries its lines are about the same clients."""

from __future__ import annotations

import re

import pytest

from tests.tools.strangers import FRONT_PAGE, PAGE, STRANGERS, Stranger, program, section


@pytest.mark.parametrize("one", STRANGERS, ids=[one.name for one in STRANGERS])
def test_each_has_one_program_and_what_it_prints(one: Stranger) -> None:
    """On the page that the task reads, and in both tables of the page about them."""
    language, lines, printed = program(one)
    assert lines and printed
    # What installs it can run it.
    assert {"python": one.python, "js": one.node}.get(language, True)
    text = PAGE.read_text("utf-8")
    assert re.search(rf"^\| \[{re.escape(one.name)}\]\(.*#", text, re.M)
    assert f"| {one.name} | {one.version} | as the page says |" in text


def test_no_section_is_left_out() -> None:
    """What the page has lines for, the task tries."""
    within = section(PAGE, "How each is led there")
    assert not within.strip()
    named = re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.M)
    assert named == [one.name for one in STRANGERS if one.page == PAGE]


def test_versions_are_pinned() -> None:
    """Each client, and what it is used with, is named with one version."""
    for one in STRANGERS:
        assert all(re.fullmatch(r"[\w-]+==[\d.]+", name) for name in one.python), one.name
        assert all(re.fullmatch(r"(@[\w-]+/)?[\w-]+@[\d.]+", name) for name in one.node), one.name
        assert one.page in (PAGE, FRONT_PAGE)
