"""Somebody is told by a webhook that a run needs a person."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.core.step import State
from bcrunbook.order import CODAT_KEYS
from bcrunbook.rehearsal import RehearsalDescription
from bcrunbook.run.ended import Ended
from bcrunbook.run.notify import notify
from tests.conftest import MakeWorkspace, only_account
from tests.run.batch.conftest import run_batch
from tests.run.conftest import bcrunbook, leaks
from tests.run.test_messages import check_slack, check_teams

TOKEN = "T0b1c2d3e4f5g6h7i8j9"


@dataclass
class Receiver:
    """A channel's webhook: what has come, and how it answers."""

    address: str = ""
    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    came: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on this machine."""
    one = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == f"/hook/{TOKEN}?sig={TOKEN}"
            assert self.headers["Content-Type"] == "application/json"
            one.came.append(json.loads(body))
            self.send_response(one.status)
            for name, value in one.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    one.address = f"http://127.0.0.1:{server.server_port}/hook/{TOKEN}?sig={TOKEN}"
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


def telling(workspace: Workspace, form: str, webhook: str = "env:HOOK") -> Workspace:
    """The same workspace with a webhook."""
    file = workspace.root / "accounts.toml"
    table = f'[notify]\nwebhook = "{webhook}"\nform = "{form}"\n'
    file.write_text(file.read_text("utf-8") + table, encoding="utf-8")
    return load(workspace.root)


def told(workspace: Workspace, state: State = State.NEEDS_PERSON) -> str:
    """What is said of telling about a step that ended like this."""
    ended = [Ended(only_account(workspace), CODAT_KEYS, state, 1.0, "a click", "run again")]
    return asyncio.run(notify(workspace, ended, "Batch", "bcrunbook batch"))


def test_a_batch_and_a_check_tell_who_keeps_the_channel(
    make_workspace: MakeWorkspace,
    cloud: RehearsalDescription,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One message each, with what, who, where the card is and what to type; the address nowhere."""
    monkeypatch.setenv("HOOK", receiver.address)
    workspace = telling(make_workspace(), "slack")
    one = run_batch(workspace.root)
    assert one.events[-1]["code"] == 3
    (body,) = receiver.came
    together = "\n".join(check_slack(body))
    assert only_account(workspace) in together and "bcrunbook batch" in together
    card = next(line for line in together.splitlines() if line.startswith("Card: "))
    assert (workspace.root / card.removeprefix("Card: ")).is_file()
    assert "Told by the webhook" in one.events[-1]["stderr"]
    done = bcrunbook("check", "-w", str(workspace.root), "--json")
    assert len(receiver.came) == (2 if done.returncode == 3 else 1)
    printed = [*(json.dumps(event) for event in one.events), done.stdout, done.stderr]
    printed += [json.dumps(body) for body in receiver.came]
    assert not any(TOKEN in text for text in printed)
    assert leaks(Path(cloud.canaries), [workspace.root], *printed) == []
    files = [file for file in workspace.root.rglob("*") if file.is_file()]
    assert not [file for file in files if TOKEN.encode() in file.read_bytes()]


@pytest.mark.parametrize("form", ["json", "teams", "slack"])
def test_each_form_arrives(
    make_workspace: MakeWorkspace, receiver: Receiver, tmp_path: Path, form: str
) -> None:
    """As it is made, from an address in a file as well."""
    file = tmp_path / "hook"
    file.write_text(receiver.address, encoding="utf-8")
    file.chmod(0o600)
    workspace = telling(make_workspace(), form, f"file:{file}")
    assert "1 needs a person" in told(workspace)
    (body,) = receiver.came
    check = {"teams": check_teams, "slack": check_slack}.get(form)
    if check is not None:
        check(body)
    else:
        assert body["needs_person"][0]["step"] == CODAT_KEYS


def test_nobody_is_told_where_nobody_is_needed(
    make_workspace: MakeWorkspace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for what has passed, waits or failed, and not without a webhook."""
    monkeypatch.setenv("HOOK", receiver.address)
    workspace = make_workspace()
    assert told(workspace) == ""
    workspace = telling(workspace, "json")
    for state in (State.DONE, State.CHANGED, State.WAITING, State.FAILED, State.PENDING):
        assert told(workspace, state) == ""
    assert receiver.came == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "There is no secret here"),
        (f"http://elsewhere.example/{TOKEN}", "no https address"),
        (f"ftp://127.0.0.1/{TOKEN}", "no https address"),
        (f"https://[{TOKEN}", "no https address"),
        (f"https://me:{TOKEN}@elsewhere.example/", "no https address"),
        (TOKEN, "no https address"),
        (f"http://127.0.0.1:9/{TOKEN}", "could be made"),
    ],
)
def test_an_address_of_no_use_is_said_in_a_line(
    make_workspace: MakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    says: str,
) -> None:
    """Nothing fails, and nothing of the address is repeated."""
    monkeypatch.setenv("HOOK", address)
    said = told(telling(make_workspace(), "json"))
    assert says in said and "All else was done." in said and "\n" not in said
    assert TOKEN not in said


@pytest.mark.parametrize("status", [302, 400, 404, 500, 503])
def test_a_refusal_is_said_in_a_line(
    make_workspace: MakeWorkspace,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    """It was sent once: a second message would be a second alarm."""
    monkeypatch.setenv("HOOK", receiver.address)
    receiver.status = status
    receiver.headers["Location"] = receiver.address
    said = told(telling(make_workspace(), "json"))
    assert f"answered {status}" in said and "All else was done." in said
    assert len(receiver.came) == 1
