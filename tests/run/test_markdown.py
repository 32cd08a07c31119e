"""Markdown for comments and issues: a table, and what is open."""

from __future__ import annotations

from bcrunbook.core.step import State
from bcrunbook.order import (
    CODAT_KEYS,
    LINK_CUSTOMER,
    START_HERE,
)
from bcrunbook.run.ended import Ended
from bcrunbook.run.markdown import markdown


def test_a_table_and_what_is_open() -> None:
    """Accounts and customers by steps, then each open step with its card."""
    text = markdown(
        [
            Ended("trial", START_HERE, State.DONE, summary="fine"),
            Ended("trial", CODAT_KEYS, State.NEEDS_PERSON, 1.0, "a click", "run again", "Card."),
            Ended("trial/mill", LINK_CUSTOMER),
        ],
        "Batch",
    )
    lines = text.splitlines()
    assert lines[0] == "### Batch"
    assert [one.strip() for one in lines[2].split("|")[2:4]] == [
        Ended("trial", START_HERE).name,
        Ended("trial", CODAT_KEYS).name,
    ]
    assert lines[4].startswith("| `trial` | done | needs a person |")
    assert lines[5].startswith("| `trial/mill` |") and "not run" in lines[5]
    assert f"**`trial`, {Ended('trial', CODAT_KEYS).name}: needs a person**" in text
    assert "```text\na click\nnext: run again\nCard.\n```" in text


def test_no_text_of_others_gets_out_of_its_block() -> None:
    """A fence is longer than any in the text: nobody is named, and nothing becomes a link."""
    said = "```\n@everybody [see](https://elsewhere.example)\n````"
    text = markdown([Ended("trial", START_HERE, State.FAILED, 0.1, said)], "Check")
    assert f"`````text\n{said}\n`````" in text


def test_very_many_are_counted() -> None:
    """A comment has a limit."""
    many = [Ended(f"a{number}", START_HERE, State.FAILED, 0.1, "no") for number in range(70)]
    text = markdown(many, "Check")
    assert "20 more: see the report." in text and "50 more: see the report." in text
