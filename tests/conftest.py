"""Fixtures of every test: a home of its own, a rehearsal cloud, workspaces that talk to it."""

from __future__ import annotations

import json
import logging
import os
import secrets as random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.accounts import Workspace, load
from bcrunbook.rehearsal import RehearsalDescription, launch
from bcrunbook.secrets import known, surroundings
from bcrunbook.secrets.value import registered
from tests.support.browser import chromium, tab
from tests.support.clipboard import clipboard, display, no_clipboard
from tests.support.independent_client import IndependentClient

# Fixtures of their own modules, for whoever asks for them by name.
__all__ = ["chromium", "clipboard", "display", "no_clipboard", "tab"]

MakeWorkspace = Callable[..., Workspace]


# Files that take minutes: begun last, one worker would be at them alone.
LONGEST = (
    "tests/mixups/test_histories.py",
    "tests/crash/",
    "tests/lab/",
    "tests/steps/test_watch_faults.py",
    "tests/run/batch/",
)


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C even where it was ignored when the tests were started, in the background say.

    Programs that are started inherit that, and many tests send it to them.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest files begin first; whatever a file's tests are, they keep their order."""
    rank = {start: number for number, start in enumerate(LONGEST)}
    items.sort(
        key=lambda item: min(
            (rank[start] for start in LONGEST if item.nodeid.startswith(start)),
            default=len(LONGEST),
        )
    )


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own home or environment."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "jupyter"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for name in ("BCRUNBOOK_WORKSPACE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_to_scrub(request: pytest.FixtureRequest) -> Iterator[None]:
    """The scrubber finding a secret is itself a failure, except where a test is about it."""
    if request.node.get_closest_marker("scrubs"):
        yield
        return
    found: list[str] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    logger, watch = logging.getLogger("bcrunbook.secrets"), Watch(logging.ERROR)
    logger.addHandler(watch)
    yield
    logger.removeHandler(watch)
    assert not found, found


@pytest.fixture(autouse=True)
def only_secrets_of_this_test() -> Iterator[None]:
    """Forget the values a test held: a short one masks the words of every test after it.

    What fixtures of a wider scope hold was there before, and stays.
    """
    before = dict(registered)
    yield
    registered.clear()
    registered.update(before)
    known._known_now = known.KnownValues()
    surroundings._learnt = {}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalDescription]:
    """A rehearsal cloud that all tests share; each uses an account name of its own."""
    with launch(
        tmp_path_factory.mktemp("rehearsal") / "cloud", skips=True, latency_ms=0, lags="worst"
    ) as description:
        yield description


@pytest.fixture
def make_workspace(tmp_path: Path, cloud: RehearsalDescription) -> MakeWorkspace:
    """A function that lays out a workspace with one account in the rehearsal cloud.

    Keyword arguments replace keys of the account, and None leaves one out; `sign_in` replaces the
    whole table; `on` is another rehearsal cloud than the shared one.
    """

    def make(on: RehearsalDescription = cloud, **changes: Any) -> Workspace:
        name = changes.pop("name", f"t{random.token_hex(4)}")
        return lay_out(tmp_path, on, {name: changes})

    return make


def lay_out(
    folder: Path, cloud: RehearsalDescription, accounts: dict[str, dict[str, Any]]
) -> Workspace:
    """A workspace with accounts in the rehearsal cloud.

    Args:
        folder: where it goes, with its secret store beside it.
        cloud: the rehearsal cloud.
        accounts: by name, what differs from a trial account; None leaves a key out. Only the first
            has a Codat instance and its API key by itself: no two accounts may share them.
    """
    root = folder / "workspace"
    root.mkdir(exist_ok=True)
    keep_secret(folder / "secret-store" / "sign-in", cloud.batch_identity["client_secret"])
    keep_secret(folder / "secret-store" / "codat", cloud.codat["api_key"], "trial")
    lines = [f'[rehearsal]\ndir = "{Path(cloud.directory).as_posix()}"\n']
    codat = {
        "codat_api_key": "file:../secret-store/codat/trial",
        "codat_instance": cloud.codat["instance"],
    }
    for number, (name, changes) in enumerate(accounts.items()):
        account: dict[str, Any] = {
            "kind": "trial",
            "tenant": cloud.accounts["trial"]["tenant"],
            "application": "Books",
            "secret_store": "file:../secret-store",
            **({} if number else codat),
            "cloud": "rehearsal",
            "sign_in": {
                "method": "client_secret",
                "client_id": cloud.batch_identity["client_id"],
                "secret": "file:../secret-store/sign-in/batch",
            },
        } | changes
        account = {key: value for key, value in account.items() if value is not None}
        sign_in = account.pop("sign_in")
        tables = {"": account, ".sign_in": sign_in}
        for key in [one for one, value in account.items() if isinstance(value, dict)]:
            tables[f".{key}"] = account.pop(key)
        for table, values in tables.items():
            lines += [f"[accounts.{name}{table}]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (root / "accounts.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(root)


def keep_secret(folder: Path, value: str, name: str = "batch") -> None:
    """Put a secret where a person would: a file that only its owner can read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(value, encoding="utf-8")


def stored_secrets(store: Path, account: str) -> list[Path]:
    """The files in which a store keeps the secrets of an account, for whichever application."""
    return sorted((store / account).glob("*/*"))


def only_account(workspace: Workspace) -> str:
    """The name of the one account of a workspace."""
    (name,) = workspace.accounts
    return name


def requests_of(
    cloud: RehearsalDescription, host: str = "graph.microsoft.com"
) -> list[dict[str, Any]]:
    """The requests that the rehearsal cloud has answered for a host so far."""
    lines = Path(cloud.requests).read_text("utf-8").splitlines()
    return [one for one in map(json.loads, lines) if one["host"] == host]


@pytest.fixture
def az_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that puts an Azure CLI on the PATH that is logged in with a token."""
    if os.name != "posix":
        pytest.skip("a script stands in for az, and its first line names the interpreter")

    def log_in(token: str, tenant: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        answer = {"accessToken": token, "tenant": tenant, "tokenType": "Bearer"}
        program = folder / "az"
        program.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(answer))})\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return log_in


@pytest.fixture
def make_client(cloud: RehearsalDescription) -> Iterator[Callable[..., IndependentClient]]:
    """A function that makes an independent client of Microsoft Graph, in a tenant or in trial's."""
    made: list[IndependentClient] = []

    def make(tenant: str | None = None, on: RehearsalDescription = cloud) -> IndependentClient:
        made.append(IndependentClient(on, tenant))
        return made[-1]

    yield make
    for client in made:
        client.http.close()
