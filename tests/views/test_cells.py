"""What cells show, read as somebody reads it: in plain text, and in HTML without its tags."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from bcrunbook.core.step import Change, Comparison, Finding, Row, State
from bcrunbook.errors import AskAdministrator
from bcrunbook.secrets import Secret
from bcrunbook.views import cells
from bcrunbook.views.cells import Tick, View
from tests.views.samples import (
    ABSENT,
    CALLBACK,
    CHANGES,
    CREATE,
    DELETE,
    ERROR,
    FINDINGS,
    GUID,
    PERSON,
    TICKS,
    UPDATE,
    everything,
    outcome,
)

FOLLOWING = ("Make the secret", "secret.ipynb")
OPEN = "This step is still open"


def read(view: View) -> str:
    """The HTML as text, each run of blanks as one."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", view.html)).split())


def tags(view: View) -> list[str]:
    """The words in the pills, in order."""
    return re.findall(r'class="tag[^"]*">([^<]+)<', view.html)


def tone(view: View) -> str:
    """How a box is coloured."""
    found = re.search(r'class="box (\w*)"', view.html)
    assert found
    return found[1]


# --- plan ---------------------------------------------------------------------------------------


def test_what_becomes_of_each_thing_is_told_apart() -> None:
    """By mark and word, in both forms: created, changed, deleted, and a person's."""
    plan = cells.plan_view(CHANGES, "")
    marks = ["+ create", "~ change", "- delete", "> person"]
    heads = [line for line in plan.text.splitlines() if re.match(r"  \S ", line)]
    assert [line[2:10] for line in heads] == marks
    assert re.findall(r'class="kind \w+">([^<]+)<', unescape(plan.html)) == marks
    for head, change in zip(heads, CHANGES, strict=True):
        assert head.endswith(change.title)


def test_a_new_thing_lists_its_values_once() -> None:
    """In the portal's words, with the API's beside them, and nothing about what was not there."""
    plan = cells.plan_view([CREATE], "")
    assert "Supported account types: Any tenant  [signInAudience: Everybody]" in plan.text
    assert "Any tenant signInAudience: Everybody" in read(plan)
    assert "->" not in plan.text and "→" not in plan.html
    assert "not there" not in plan.text + plan.html


def test_a_value_stands_before_its_successor() -> None:
    """One value is replaced; of a list it shows what stays, is added and goes."""
    plan = cells.plan_view([UPDATE], "")
    assert "Name: Contoso Finance -> Contoso Lending" in plan.text
    assert "Contoso Finance → Contoso Lending" in read(plan)
    assert "Permissions: + Financials, User.Read, - Mail.Read" in plan.text
    assert "+ Financials User.Read - Mail.Read" in read(plan)
    gone = cells.plan_view([DELETE], "")
    assert "Secret: - Codat (bcrunbook 1234abcd)" in gone.text


def test_each_line_ticks() -> None:
    """Waiting, running, done with its seconds, failed: in words, in the plan and alone."""
    for view in (cells.plan_view(CHANGES, "", ticks=TICKS), cells.ticked_view(CHANGES, TICKS)):
        told = re.findall(r"^  . \w+  (.+?)  \[(.+)\]$", view.text, flags=re.M)
        assert told == [
            ("create the application", "done, 0.4 s"),
            ("add the permissions", "running"),
            ("remove a secret of ours: it has expired", "failed, 1 min 11 s"),
            ("save the keys in the Codat Portal", "waiting"),
        ]
        assert all(words in read(view) for _, words in told)
        assert view.html.count('class="spin"') == 1
    alone = cells.plan_view([CREATE], "", ticks={("other", ""): Tick("done", 1)})
    assert "[done" not in alone.text


def test_rows_that_differ_in_the_apis_words_alone_are_one_change() -> None:
    """Whoever agreed to a change is not asked again because a date beside it has moved."""
    one, other = (
        Change("a", "make a", (Row("Lifetime", "", "90 days", day),), action="create")
        for day in ("2027-01-01", "2027-01-02")
    )
    assert one == other and len({one, other}) == 1


# --- findings -----------------------------------------------------------------------------------


def test_what_is_still_to_come_raises_no_alarm() -> None:
    """It reads `not yet`; what was there and is another value `differs`; JSON says so of both."""
    view = cells.findings_view(FINDINGS)
    assert tags(view) == ["ok", "not yet", "differs", "ok", "info", "not known", "ok"]
    assert re.findall(r"^  (ok|not yet|differs|info|not known) ", view.text, flags=re.M) == tags(
        view
    )
    assert ABSENT.verdict is Comparison.DIFFERS
    assert "Wanted: Contoso Lending" in read(view)


def test_what_is_as_wanted_is_not_said_twice() -> None:
    """The value that is wanted stands beside another one only."""
    view = cells.findings_view([FINDINGS[3]])
    assert read(view).count(CALLBACK.rpartition("/")[2]) == 1 and "anted" not in view.text


def test_where_nothing_has_changed_a_line_says_so() -> None:
    """The check does not repeat the table in view, and names what is to be minded."""
    same = cells.findings_view(FINDINGS, before=FINDINGS)
    assert len(same.text.splitlines()) == 1
    assert "3 ok, 1 not yet (Application), 1 differs (Name)" in same.text
    assert same.html.index("<details><summary>") < same.html.index("<table>")
    later = (*FINDINGS[:1], replace(ABSENT, actual="Contoso Lending", verdict=Comparison.OK))
    changed = cells.findings_view(later, before=FINDINGS[:2])
    assert "Nothing has changed" not in changed.text and "<details>" not in changed.html


# --- outcome ------------------------------------------------------------------------------------


def test_the_outcome_names_what_was_done() -> None:
    """Each change, the client id to copy, who said what, how long it took, and where to see it."""
    view = cells.outcome_view(
        outcome(State.CHANGED, changes=(CREATE, UPDATE), findings=FINDINGS),
        FOLLOWING,
        seconds=12.3,
        links=(("the application", "https://portal.example/x"),),
    )
    for said in (
        "changed just now",
        "+ create  create the application: Contoso Lending",
        "~ change  add the permissions: Contoso Lending",
        f"Client ID: {GUID}",
        "saved, says Ada Lovelace (2026-11-24)",
        "Took: 12 s",
        "the application: https://portal.example/x",
        "Next step: Make the secret (secret.ipynb)",
    ):
        assert said in view.text
    assert f'<code class="chip">{GUID}</code>' in view.html
    assert 'href="https://portal.example/x"' in view.html and 'href="secret.ipynb"' in view.html
    assert (tone(view), OPEN in view.text) == ("good", False)


def test_a_word_that_no_longer_holds_confirms_nothing() -> None:
    """What somebody said of an older secret is no fact of the outcome."""
    stale = Finding(
        "Keys", "saved", "saved, says Ada (2026-11-24); it was replaced", "", Comparison.DIFFERS
    )
    assert "Ada" not in cells.outcome_view(outcome(State.DONE, findings=(stale,))).text


@pytest.mark.parametrize(
    ("state", "values", "words"),
    [
        (State.NEEDS_PERSON, {"changes": (CREATE,)}, "waiting for your click"),
        (
            State.NEEDS_PERSON,
            {"changes": (PERSON,)},
            "waiting for somebody with the role Developer or Administrator",
        ),
        (
            State.NEEDS_PERSON,
            {"error": AskAdministrator("No.", who="an owner").as_dict()},
            "waiting for an owner",
        ),
        (State.WAITING, {}, "waiting"),
        (State.PENDING, {"changes": (CREATE,)}, "changes pending"),
    ],
    ids=["declined", "person", "refused", "waiting", "plan"],
)
def test_what_is_open_is_not_shown_as_done(
    state: State, values: dict[str, Any], words: str
) -> None:
    """Amber, with who is waited for; nothing counts as done; the next step is this one."""
    view = cells.outcome_view(outcome(state, **values), FOLLOWING)
    assert tags(view)[0] == words and f"Outcome: {words}." in view.text
    assert tone(view) == "amber"
    assert OPEN in view.text and OPEN in read(view)
    assert "Make the secret" not in view.text + view.html
    assert "+ create" not in view.text


def test_what_was_done_before_a_person_is_needed_is_named() -> None:
    """A part was applied, another was handed over: the first is not forgotten."""
    ended = outcome(State.NEEDS_PERSON, changes=(CREATE, PERSON))
    view = cells.outcome_view(ended, applied=(CREATE,))
    assert "+ create  create the application" in view.text and OPEN in view.text


def test_after_a_failure_there_is_no_next_step() -> None:
    """Red, with what to do; neither this step nor the next is called the next one."""
    view = cells.outcome_view(outcome(State.FAILED, error=ERROR.as_dict()), FOLLOWING)
    assert tone(view) == "bad"
    assert "next: copy the id" in view.text
    assert not re.search(f"Next step|{OPEN}", view.text + view.html)


# --- around them --------------------------------------------------------------------------------


def test_the_style_sheet_comes_once() -> None:
    """With the first view of a notebook; the others need no more than what they say."""
    first, *others = everything()
    assert first.html.count("<style>") == 1 and cells.style_sheet() in first.html
    assert not [view for view in others if "<style" in view.html]
    error = cells.styled(cells.error_view(ERROR))
    assert cells.style_sheet() in error.html and error.text == str(ERROR)


def test_every_view_has_its_text_and_every_heading_its_words() -> None:
    """Nothing is for the eyes alone, and no heading is empty or without a scope."""
    for view in everything():
        assert view.text.strip()
        for attributes, content in re.findall(r"<th\b([^>]*)>(.*?)</th>", view.html, flags=re.S):
            assert 'scope="' in attributes
            assert re.sub(r"<[^>]+>", "", content).strip()


@pytest.mark.parametrize(
    "text",
    [CALLBACK, f"stored as file:../store/{GUID}/x", "see https://a.example, or ask", "<a/b>"],
)
def test_addresses_break_after_slashes_only(text: str) -> None:
    """Marks for breaks add nothing to what is copied, and a host stays in one piece."""
    html = str(cells.breakable(text))
    plain = re.sub(r'<wbr>|<span class="host">|</span>', "", html)
    assert unescape(plain) == text
    for before in html.split("<wbr>")[:-1]:
        assert before.removesuffix("</span>").endswith("/")
    assert re.findall(r'class="host">([^<]+)<', html) == re.findall(r"//([^/\s]+/?)", text)


@pytest.mark.parametrize(
    ("count", "tenant", "label", "button"),
    [
        (2, "Millrace Software (trial)", "trial", "Apply 2 changes to Millrace Software (trial)"),
        (1, f"Contoso ({GUID})", "production", "Apply 1 change to Contoso (production)"),
        (3, "contoso.example", "eu (production)", "Apply 3 changes to contoso.example (eu (pro"),
        (1, "", "trial", "Apply 1 change to trial"),
        (1, "x" * 99, "trial", f"Apply 1 change to {'x' * 48}… (trial)"),
    ],
)
def test_the_button_says_where(count: int, tenant: str, label: str, button: str) -> None:
    """How many changes, of which tenant and which account."""
    assert cells.apply_label(count, tenant, label).startswith(button)


@pytest.mark.scrubs
def test_an_error_that_nobody_foresaw_is_our_fault() -> None:
    """It says what to do; its details are folded, and no secret is in them."""
    value = "unforeseen~Q7x.8~Q7x.8~Q7x.8~Q7x.8~Q7x.8"
    secret = Secret(value)
    view = cells.unforeseen_view("RuntimeError", f"Traceback\n  {secret.reveal()}")
    assert "our fault" in view.text and "Run the notebook again" in view.text
    assert "Traceback" not in view.text
    folded = view.html.index("<details>")
    assert view.html.index("Traceback") > folded
    assert value not in view.shown_html


def test_a_widget_has_words_where_none_is_shown() -> None:
    """What it would be, and what does the same without it."""
    text = cells.without_widgets('Waits for "Apply" or "Not now".', 'set mode = "apply"')
    assert '"Not now"' in text and "shows no widgets" in text and 'set mode = "apply"' in text
    assert cells.without_widgets("Code: ABC", "") == "Code: ABC"
