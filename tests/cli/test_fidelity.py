"""`bcrunbook fidelity`: what it prints, how it ends, and what it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bcrunbook.journal.entry import JournalEntry
from tests.cli.conftest import Command
from tests.test_schemas import is_printed

LIMITS = {f"x-rate-limit-{name}": "integer" for name in ("limit", "remaining")}
PROFILE = JournalEntry(
    cloud="live",
    after=0.0,
    took=0.2,
    method="GET",
    host="api.codat.io",
    path="/profile",
    status=200,
    headers={
        "content-type": "application/json; charset",
        "date": "http date",
        "x-rate-limit-reset": "date 0 Z",
        **LIMITS,
    },
    got={
        "$": ("object",),
        "$/name": ("text",),
        "$/redirectUrl": ("address",),
        "$/logoUrl": ("address",),
        "$/iconUrl": ("address",),
        "$/whiteListUrls": ("array",),
        "$/whiteListUrls/[]": ("address",),
    },
)


def kept(folder: Path, *entries: JournalEntry, more: str = "") -> Path:
    """A journal in the folder of a run."""
    file = folder / "runs" / "20261129-100000-000001" / "trial" / "journal.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(entry.line() for entry in entries) + more, "ascii")
    return file


def test_what_is_confirmed_ends_well(command: Command, tmp_path: Path) -> None:
    """A folder is as good as a file; what breaks off is counted."""
    kept(tmp_path, PROFILE, more=PROFILE.line()[:50])
    result = command("fidelity", tmp_path / "runs")
    assert result.code == 0
    assert "C1.9" in result.out and "confirmed" in result.out and "refuted" not in result.out
    assert "1 request in 1 file" in result.err and "1 line could not be read" in result.err


def test_what_is_refuted_is_shown_with_both_shapes(command: Command, tmp_path: Path) -> None:
    """The fact and the answer, each with what it should be; exit code 3."""
    nameless = {place: kinds for place, kinds in PROFILE.got.items() if place != "$/name"}
    file = kept(tmp_path, replace(PROFILE, got=nameless))
    result = command("fidelity", file)
    assert result.code == 3
    flat = " ".join(result.out.split())
    assert "C1.9 refuted" in flat
    assert "GET api.codat.io/profile: has $/name (any text)" in flat
    assert "GET api.codat.io/profile -> $/name absent" in flat
    assert "missing field" in flat


def test_what_it_prints_for_programs(command: Command, tmp_path: Path) -> None:
    """As the schema says; an answer that the rehearsal does not give is not met."""
    other = replace(PROFILE, path="/webhooks")
    result = command("fidelity", kept(tmp_path, PROFILE, other), "--json")
    assert result.code == result.data["exit_code"] == 0
    is_printed("fidelity", result.data)
    verdicts = {one["request"]: one["verdict"] for one in result.data["answers"]}
    assert verdicts == {
        "GET api.codat.io/profile -> 200": "confirmed",
        "GET api.codat.io/webhooks -> 200": "not met",
    }


def test_what_is_no_journal_is_refused(command: Command, tmp_path: Path) -> None:
    """Nothing there, an empty folder, another file: what is wrong, and what to name instead."""
    report = tmp_path / "report.html"
    report.write_text("<html>a name</html>\n")
    for path, words in (
        (tmp_path / "missing.jsonl", "cannot be read"),
        (tmp_path, "There is no journal here"),
        (report, "none of the 1 line is one of a journal"),
    ):
        result = command("fidelity", path)
        assert result.code == 2 and words in " ".join(result.err.split())
        assert "a name" not in result.err
