"""The life of a client secret: how urgent a next one is, what is noted, and the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from icalendar import Calendar

from bcrunbook.accounts import Account
from bcrunbook.ledger.scope import FactKind, Scope
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import CLIENT_SECRET, HEALTH_CHECK, REGISTER_APPLICATION
from bcrunbook.steps.client_secret.calendar import calendar, calendar_file, keep_calendar
from bcrunbook.steps.client_secret.life import Level, SecretLife, known_life
from tests.conftest import MakeWorkspace, only_account, stored_secrets
from tests.support.independent_client import MakeClient
from tests.support.running import run_steps

CLIENT_ID = "7a6ec848-bb0f-4884-9c13-d2cf39a41292"
NOW = datetime(2026, 11, 29, 14, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


def life(left: timedelta, whole: timedelta = 90 * DAY) -> SecretLife:
    """A secret with so much left."""
    return SecretLife(CLIENT_ID, NOW + left - whole, NOW + left)


@pytest.mark.parametrize(
    ("left", "level", "urgency"),
    [
        (90 * DAY, Level.FINE, ""),
        (31 * DAY, Level.FINE, ""),
        (31 * DAY - SECOND, Level.WARN, "plan it"),
        (15 * DAY, Level.WARN, "plan it"),
        (15 * DAY - SECOND, Level.WARN, "soon"),
        (8 * DAY, Level.WARN, "soon"),
        (8 * DAY - SECOND, Level.URGENT, "urgent"),
        (SECOND, Level.URGENT, "urgent"),
        (timedelta(), Level.OVER, "at once"),
        (-DAY, Level.OVER, "at once"),
    ],
)
def test_each_level_begins_on_its_day(left: timedelta, level: Level, urgency: str) -> None:
    """Whole days count, as the check counts them; the same in whichever zone a time is given."""
    one = life(left)
    moved = SecretLife(CLIENT_ID, one.made.astimezone(FAR_EAST), one.ends.astimezone(FAR_WEST))
    for its in (one, moved):
        for now in (NOW, NOW.astimezone(FAR_EAST), NOW.astimezone(FAR_WEST)):
            assert (its.level(now), its.urgency(now)) == (level, urgency)
            assert its.words(now) == one.words(NOW)
    begins = one.begins(level)
    if begins > one.made:
        assert one.level(begins - SECOND) is not level
    assert one.level(begins + SECOND) is level


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (90 * DAY - SECOND, "90 of 90 days left, ends 27 February 2027"),
        (89 * DAY, "89 of 90 days left, ends 26 February 2027"),
        (DAY, "1 of 90 days left, ends 30 November 2026"),
        (timedelta(hours=6), "less than a day left, ends 29 November 2026"),
        (-timedelta(hours=6), "ended on 29 November 2026, today"),
        (-DAY, "ended on 28 November 2026, a day ago"),
        (-3 * DAY, "ended on 26 November 2026, 3 days ago"),
    ],
)
def test_what_is_left_is_said_in_days(left: timedelta, says: str) -> None:
    """One that was made a moment ago has all its days."""
    assert life(left).words(NOW) == says


def test_clocks_that_differ_give_no_nonsense() -> None:
    """One that is made only tomorrow, by the service's clock, has all of its days and no more."""
    one = life(91 * DAY)
    assert one.words(NOW).startswith("90 of 90 days left") and one.passed(NOW) == 0.0
    assert life(-DAY).passed(NOW) == 1.0
    assert SecretLife(CLIENT_ID, NOW, NOW).passed(NOW) == 1.0


def test_the_next_one_is_due_a_month_before_or_a_third_of_a_short_life() -> None:
    """As the step decides it."""
    assert life(90 * DAY).renew == NOW + 60 * DAY
    assert life(30 * DAY, 30 * DAY).renew == NOW + 20 * DAY


# --- The calendar --------------------------------------------------------------------------------

HOSTILE = Account.model_validate(
    {
        "name": "trial",
        "kind": "trial",
        "tenant": "contoso.com",
        "application": "Ä;Ö,Ü\\n <b>" + "é" * 70,
    }
)


def parsed(text: str) -> list[dict[str, object]]:
    """The events of a file, as somebody else's parser reads them."""
    read = Calendar.from_ical(text)
    assert not read.errors
    return [
        {
            "uid": str(one["UID"]),
            "start": one.decoded("DTSTART"),
            "sequence": int(str(one["SEQUENCE"])),
            "title": str(one["SUMMARY"]),
            "text": str(one["DESCRIPTION"]),
            "alarms": [alarm.decoded("TRIGGER") for alarm in one.walk("VALARM")],
            "errors": one.errors,
        }
        for one in read.walk("VEVENT")
    ]


def test_another_parser_reads_both_days() -> None:
    """When the next is due, and when this one ends, with an alarm a week and a day before."""
    one = life(90 * DAY)
    renew, ends = parsed(calendar(one, HOSTILE))
    assert (renew["start"], ends["start"]) == (one.renew, one.ends)
    assert renew["alarms"] == [timedelta()] and ends["alarms"] == [-7 * DAY, -DAY]
    assert HOSTILE.application in str(renew["title"]) and HOSTILE.application in str(ends["title"])
    assert "bcrunbook rotate trial --mode apply" in str(renew["text"])
    assert "\n" in str(ends["text"]) and not renew["errors"] and not ends["errors"]


def test_lines_are_as_the_standard_has_them() -> None:
    """CRLF alone ends a line, and none has more than 75 octets or half a character."""
    raw = calendar(life(90 * DAY), HOSTILE).encode("utf-8")
    assert raw.endswith(b"\r\n") and not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) == 75
    for line in lines:
        line.decode("utf-8")


def test_importing_again_replaces_what_is_there() -> None:
    """The same file each time; the next secret has the same ids and a higher sequence."""
    first, then = life(90 * DAY), life(180 * DAY)
    assert calendar(first, HOSTILE) == calendar(first, HOSTILE)
    for old, new in zip(*(parsed(calendar(one, HOSTILE)) for one in (first, then)), strict=True):
        assert old["uid"] == new["uid"] and int(str(old["sequence"])) < int(str(new["sequence"]))
    other = SecretLife(CLIENT_ID.replace("7", "8"), first.made, first.ends)
    ids = {str(one["uid"]) for its in (first, other) for one in parsed(calendar(its, HOSTILE))}
    assert len(ids) == 4


def test_a_workspace_that_cannot_be_written_to_has_no_file(tmp_path: Path) -> None:
    """No run fails for a reminder."""
    one = life(90 * DAY)
    assert keep_calendar(tmp_path, HOSTILE, one) == "calendar/trial.ics"
    assert calendar_file(tmp_path, "trial").read_bytes() == calendar(one, HOSTILE).encode("utf-8")
    (tmp_path / "file").touch()
    assert keep_calendar(tmp_path / "file", HOSTILE, one) == ""


# --- What the ledger knows -----------------------------------------------------------------------


async def test_each_look_notes_the_life_and_the_file_holds_nothing_secret(
    make_workspace: MakeWorkspace, make_client: MakeClient
) -> None:
    """From when the secret was made, until it is gone; no value, no id of the application."""
    workspace = make_workspace(secret_lifetime="90 days")
    account = workspace.account(only_account(workspace))
    await run_steps(workspace, REGISTER_APPLICATION)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        assert known_life(ledger, account.identity) is None
        await run_steps(workspace, CLIENT_SECRET)
        known = known_life(ledger, account.identity)
        assert known is not None
        app = make_client().application(account.name)
        (credential,) = app["passwordCredentials"]
        made, ends = (
            datetime.fromisoformat(credential[key]) for key in ("startDateTime", "endDateTime")
        )
        assert (known.client_id, known.made, known.ends) == (app["appId"], made, ends)
        text = calendar(known, account)
        assert stored_secrets(workspace.root.parent / "secret-store", account.name)
        for file in stored_secrets(workspace.root.parent / "secret-store", account.name):
            assert file.read_text("utf-8") not in text and file.name not in text
        assert app["appId"] not in text and credential["keyId"] not in text
        # Somebody removes it in the portal: the check sees that none is there.
        client = make_client()
        body = {"keyId": credential["keyId"]}
        client.call("POST", f"/applications/{app['id']}/removePassword", body)
        for _ in range(20):
            await run_steps(workspace, HEALTH_CHECK)
            if known_life(ledger, account.identity) is None:
                break
        assert known_life(ledger, account.identity) is None


def test_a_ledger_of_an_earlier_version_tells_the_end(make_workspace: MakeWorkspace) -> None:
    """What was stored counts where no look was noted; what was adopted without an end has none."""
    workspace = make_workspace()
    whose = workspace.account(only_account(workspace)).identity
    scope = Scope(whose, CLIENT_SECRET)
    with open_ledger(workspace.ledger_url, workspace.root) as ledger:
        data = {"client_id": CLIENT_ID, "ends": NOW.isoformat()}
        ledger.record(scope, FactKind.SECRET_STORED, "aaaa", "done", data)
        known = known_life(ledger, whose)
        assert known is not None and known.ends == NOW
        ledger.record(scope, FactKind.SECRET_REMOVED, "aaaa", "done", {})
        assert known_life(ledger, whose) is None
        endless = datetime.max.replace(tzinfo=UTC).isoformat()
        ledger.record(scope, FactKind.SECRET_STORED, "bbbb", "done", {**data, "ends": endless})
        assert known_life(ledger, whose) is None
