"""Help, version and what a mistyped command is told."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Command, program

COMMANDS = [
    ("init",),
    ("lab",),
    ("plan",),
    ("run",),
    ("batch",),
    ("status",),
    ("handover",),
    ("doctor",),
    ("explain",),
    ("fidelity",),
    ("rehearse",),
    ("confirm",),
    ("link",),
    ("check",),
    ("rotate",),
    ("retire",),
    ("restore",),
    ("notice",),
    ("accounts",),
    ("accounts", "check"),
    ("secret",),
    ("secret", "copy"),
    ("secret", "reveal"),
    ("rehearsal",),
    ("rehearsal", "serve"),
]


def test_the_program_lists_every_command(command: Command) -> None:
    """`--help` names each command with what it does; so does the program without any word."""
    result = command("--help")
    assert result.code == 0
    listed = result.out.split("Commands:")[1].splitlines()
    assert {line.split()[0] for line in listed if line.strip()} == {one[0] for one in COMMANDS}
    assert "Commands:" in "".join(command().__dict__[name] for name in ("out", "err"))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], command: Command) -> None:
    """A sentence on what it does, and a text for each argument and option."""
    result = command(*words, "--help")
    assert (result.code, result.err) == (0, "")
    usage, sentence, *_ = (part for part in result.out.split("\n\n") if part.strip())
    assert usage.startswith("Usage:")
    assert sentence.strip().endswith(".")
    for option in re.findall(r"^ +(?:-\w, )?--.*", result.out, re.M):
        assert re.search(r"--.*  \S+ \S+", option), option


def test_every_command_that_tells_data_has_json(command: Command) -> None:
    """`--json` everywhere, but for groups, the server, and the secret shown to a terminal only."""
    without: list[tuple[str, ...]] = [(one,) for one in ("accounts", "rehearsal", "secret")]
    without += [("rehearsal", "serve"), ("secret", "reveal")]
    for words in COMMANDS:
        expected = words not in without
        assert ("--json" in command(*words, "--help").out) is expected, words


def test_the_version(command: Command) -> None:
    """`--version` names program and version."""
    from bcrunbook import __version__

    assert command("--version").out == f"bcrunbook {__version__}\n"


def test_it_starts_as_an_installed_program() -> None:
    """The entry point works in a process of its own, and quickly fails without a workspace."""
    result = program("status", "--workspace", "nowhere")
    assert (result.code, result.out) == (2, "")
    assert "bcrunbook init" in result.err


def test_debug_shows_the_traceback_and_nothing_else_does(command: Command) -> None:
    """Without --debug one message; with it, at either end of the line, the traceback as well."""
    words = ("status", "--workspace", "nowhere")
    assert "Traceback" not in command(*words).err
    for order in (("--debug", *words), (*words, "--debug")):
        result = command(*order)
        assert result.code == 2
        assert "Traceback" in result.err and "The workspace does not exist." in result.err


def test_what_nobody_foresaw_is_told_without_a_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug names itself, its place and --debug; exit 1."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a value that nobody should see")

    monkeypatch.setattr("bcrunbook.cli.status.find_workspace", broken)
    result = command("status")
    assert result.code == 1
    assert "ZeroDivisionError" in result.err and "--debug" in result.err
    assert "Traceback" not in result.err and "nobody should see" not in result.err
