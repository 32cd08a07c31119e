"""Where a run keeps its journal, when it keeps none, and that no run leaves a word of anybody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import httpx
import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.core.runner import run_in_context
from bcrunbook.core.step import Mode
from bcrunbook.errors import RunbookError
from bcrunbook.http.client import Http
from bcrunbook.journal.entry import PLACEHOLDER
from bcrunbook.journal.file import read_journals
from bcrunbook.ledger.store import open_ledger
from bcrunbook.order import LINK_CUSTOMER, ORDER, START_HERE
from bcrunbook.rehearsal import RehearsalDescription, world
from bcrunbook.rehearsal.codat import world as codat
from bcrunbook.run.account import run_account
from bcrunbook.run.folders import run_folder
from bcrunbook.steps import step_named
from bcrunbook.steps.opening import open_context
from tests.conftest import MakeWorkspace, keep_secret, only_account
from tests.mixups.inprocess import INSTANCES, InProcess
from tests.mixups.play import IN_MEMORY
from tests.run.conftest import leaks
from tests.support.linking import with_journal
from tests.support.share import number

RUNS = number("JOURNALS", usual=60, whole=200)


async def played(workspace: Workspace) -> Path:
    """The folder of a run of the first step, by its notebook."""
    name = only_account(workspace)
    folder = run_folder(workspace.root)
    steps = [step_named(START_HERE)]
    ignore: Callable[..., None] = lambda *_: None  # noqa: E731
    await run_account(workspace, name, steps, "apply", folder / name, began=ignore, ended=ignore)
    return folder / name


async def test_a_run_keeps_its_journal_in_its_folder(
    make_workspace: MakeWorkspace, cloud: RehearsalDescription
) -> None:
    """Beside its notebooks, though cells run in a process of their own; without a secret."""
    workspace = with_journal(make_workspace())
    folder = await played(workspace)
    read = read_journals([folder / "journal.jsonl"])
    assert read.passed_over == 0
    hosts = {entry.host for entry in read.entries}
    assert {"graph.microsoft.com", "login.microsoftonline.com"} <= hosts
    assert {entry.cloud for entry in read.entries} == {"rehearsal"}
    assert leaks(Path(cloud.canaries), [folder]) == []


async def test_a_rehearsal_keeps_none_unless_it_is_asked(make_workspace: MakeWorkspace) -> None:
    """No file, and no folder for one."""
    workspace = make_workspace()
    folder = await played(workspace)
    assert not list(workspace.root.rglob("*.jsonl"))
    assert folder.is_dir()


async def test_never_means_that_nothing_is_looked_at(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part of a journal is made, live or not."""

    def made(*_: Any) -> None:
        raise AssertionError("a journal was begun")

    monkeypatch.setattr("bcrunbook.steps.opening.JournalRecorder", made)
    workspace = make_workspace()
    file = workspace.root / "accounts.toml"
    for kind in ("rehearsal", "live"):
        text = re.sub('cloud = "[a-z]+"', f'cloud = "{kind}"', file.read_text("utf-8"))
        text = text.partition("[runs]")[0] + '[runs]\njournal = "never"\n'
        file.write_text(text, "utf-8")
        loaded = load(workspace.root)
        async with open_context(loaded, loaded.account(only_account(loaded))) as context:
            assert context.cloud.kind == kind
    assert not list(workspace.root.rglob("*.jsonl"))


async def test_a_live_run_keeps_one_without_being_asked(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it has no folder of its own, among the journals of the workspace."""

    class Silent(Http):
        """Whatever is asked is answered with nothing."""

        def __init__(self, *given: Any, **more: Any) -> None:
            transport = httpx.MockTransport(lambda request: httpx.Response(404))
            super().__init__(*given, **more, transport=transport)

    monkeypatch.setattr("bcrunbook.steps.opening.Http", Silent)
    workspace = make_workspace(cloud="live")
    account = workspace.account(only_account(workspace))
    async with open_context(workspace, account) as context:
        with contextlib.suppress(RunbookError):
            assert context.codat is not None
            await context.codat.integration("trji")
    (file,) = (workspace.root / "runs" / "journals").glob("*.jsonl")
    assert {entry.cloud for entry in read_journals([file]).entries} == {"live"}


# --- no word of anybody ---------------------------------------------------------------------------

SYLLABLES = ("bra", "ken", "tol", "wyx", "zan", "qui", "lo", "vim", "dru", "phe")
BROKEN: tuple[dict[str, Any], ...] = (
    {"status_code": 500, "html": "<html>{name}</html>"},
    {"status_code": 200, "json": {"value": [{"{name}": "{name}"}], "{secret}": None}},
    {"status_code": 400, "json": {"error": {"code": "{name}", "message": "{name} {secret}"}}},
    {"status_code": 401, "json": {"error": "{name}", "error_description": "AADSTS50034: {name}"}},
    {"status_code": 409, "json": {"error": {"innererror": {"code": "{secret}"}}}},
    {"status_code": 200, "json": {"id": "{name}", "tags": {"{name}": 1}, "{name}": "{name}"}},
    {"status_code": 429, "json": {"{name}": {}}, "headers": {"Retry-After": "{name}"}},
    {"status_code": 302, "headers": {"Location": "https://{host}.example/{name}?{secret}=1"}},
    {"status_code": 403, "headers": {"WWW-Authenticate": 'Bearer {name}="{secret}"'}},
)  # fmt: skip


def a_name(random: Random) -> str:
    """A name that is nobody's, and no word of an interface."""
    return "".join(random.choice(SYLLABLES) for _ in range(4))


class Breaking(httpx.AsyncBaseTransport):
    """Hands requests on, and answers some with what holds names and secrets all over."""

    def __init__(self, inner: httpx.AsyncBaseTransport, random: Random, words: list[str]) -> None:
        self._inner, self._random, self._words = inner, random, words
        self.share = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, or one that is broken."""
        answer = await self._inner.handle_async_request(request)
        if self._random.random() >= self.share:
            return answer
        if self._random.random() < 0.2:
            raise httpx.ReadError("broken", request=request)
        chosen = {**self._random.choice(BROKEN)}
        filled = self._filled(chosen)
        assert isinstance(filled, dict)
        return httpx.Response(**filled)

    def _filled(self, value: Any) -> Any:
        """The value with names and secrets of this run put in."""
        if isinstance(value, dict):
            return {self._filled(key): self._filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if not isinstance(value, str):
            return value
        words = {"name": self._random.choice(self._words), "host": "elsewhere", "secret": "s3cr3t"}
        for word, given in words.items():
            value = value.replace(f"{{{word}}}", given.replace(" ", "-"))
        return value


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """An empty folder that is fast to write to."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def drawn_cloud(in_memory: Path) -> Iterator[InProcess]:
    """The handlers of a rehearsal cloud."""
    made = InProcess(in_memory / "cloud")
    yield made
    made.close()


def lay_out_drawn(folder: Path, cloud: InProcess, random: Random, words: list[str]) -> Workspace:
    """A workspace whose account, application and customer have names drawn here."""
    account, customer, application, company, person = words
    tenant = world.TENANTS[random.choice((world.TRIAL, world.PRODUCTION))]
    instance = random.choice(INSTANCES)
    keep_secret(folder / "secrets" / "sign-in", cloud.batch_secret)
    keep_secret(folder / "secrets" / "codat", cloud.api_key(instance), account)
    root = folder / "workspace"
    root.mkdir()
    (root / "accounts.toml").write_text(
        f'[rehearsal]\ndir = "{cloud.folder.as_posix()}"\n'
        '[runs]\njournal = "always"\n'
        f'[accounts.{account}]\nkind = "trial"\ncloud = "rehearsal"\n'
        f'tenant = "{random.choice((tenant.id, tenant.domain))}"\napplication = "{application}"\n'
        'secret_store = "file:../secrets"\n'
        f'codat_instance = "{instance.name}"\ncodat_api_key = "file:../secrets/codat/{account}"\n'
        f'[accounts.{account}.sign_in]\nmethod = "client_secret"\n'
        f'client_id = "{world.BATCH_CLIENT}"\nsecret = "file:../secrets/sign-in/batch"\n'
        f"[accounts.{account}.customers.{customer}]\n"
        f'name = "{company}"\ncontact = "{person}@{company.lower()}.example"\n',
        "utf-8",
    )
    return load(root)


async def play(workspace: Workspace, account: str, customer: str, steps: list[str]) -> None:
    """Run some steps, whatever becomes of them."""
    for step in steps:
        whom = workspace.customer(account, customer) if step == LINK_CUSTOMER else None
        with contextlib.suppress(RunbookError):
            async with open_context(
                workspace, workspace.account(account), customer=whom
            ) as context:
                await run_in_context(step_named(step), context, Mode.APPLY)


ID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}")


def test_no_drawn_run_leaves_a_word_of_anybody(
    drawn_cloud: InProcess,
    in_memory: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No canary, name, id or domain in a journal; again with DRAWN_JOURNALS set to the seed."""
    seed = int(os.environ.get("DRAWN_JOURNALS") or SystemRandom().randrange(10**9))
    print(f"DRAWN_JOURNALS={seed}")
    random = Random(seed)
    words: list[str] = []
    breaking = Breaking(drawn_cloud.transport, random, words)
    monkeypatch.setattr(drawn_cloud, "transport", breaking)
    empty = in_memory / "empty"
    empty.mkdir()
    # Making its tables takes longer than most runs.
    open_ledger("sqlite:///ledger.db", empty).close()
    kept, entries = b"", 0
    drawn: set[str] = set()
    for _ in range(RUNS):
        drawn_cloud.begin_anew()
        drawn_cloud.forget_limits()
        words[:] = [a_name(random) for _ in range(5)]
        drawn |= set(words)
        breaking.share = random.choice((0.0, 0.1, 0.3))
        folder = in_memory / "run"
        folder.mkdir()
        workspace = lay_out_drawn(folder, drawn_cloud, random, words)
        shutil.copy(empty / "ledger.db", workspace.root / "ledger.db")
        steps = random.sample(ORDER, random.randint(2, 4))
        # A sign-in of its own for each run.
        with drawn_cloud.joined(monkeypatch):
            drawn_cloud._tokens.clear()
            asyncio.run(play(workspace, words[0], words[1], steps))
        read = read_journals([workspace.root / "runs"])
        assert read.passed_over == 0
        entries += len(read.entries)
        files = (workspace.root / "runs" / "journals").glob("*.jsonl")
        kept += b"".join(file.read_bytes() for file in files)
        shutil.rmtree(folder)
    assert entries > RUNS
    assert "not in the journal" not in caplog.text
    canaries = (drawn_cloud.folder / "canaries.txt").read_bytes().splitlines()
    assert len(canaries) > 10
    anybody = {one.encode() for one in drawn} | {b"s3cr3t", *canaries}
    for tenant in world.TENANTS.values():
        anybody |= {tenant.id.encode(), tenant.domain.encode(), tenant.name.encode()}
    anybody |= {instance.name.encode() for instance in codat.INSTANCES.values()}
    lower = kept.lower()
    assert [one for one in anybody if one and one.lower() in lower] == []
    assert not ID.search(kept)
    assert PLACEHOLDER.encode() in kept
