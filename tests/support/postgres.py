"""A real PostgreSQL server for tests: the machine's own programs, in a folder that goes away.

It listens on a Unix socket only, so no port can be taken by somebody else. PostgreSQL does not run
as root; there it runs as the user `postgres`, which Debian's package makes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import psycopg

SUPERUSER = "postgres"
UNKNOWN = "nobody_of_this_name"  # a role that needs no password, and does not exist
_PORT = 5432  # of the socket's name only
_SECONDS = 30.0

# Nothing of it has to outlive the machine.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "50",
}


def programs() -> Path:
    """Where PostgreSQL's programs are. Without them the test is skipped, or fails under CI."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    # Debian keeps the server's programs out of the PATH, by version.
    folders += sorted(
        Path("/usr/lib/postgresql").glob("[0-9]*/bin"),
        key=lambda one: [int(part) for part in re.findall(r"\d+", one.parent.name)],
    )
    found = [folder for folder in folders if (folder / "postgres").exists()]
    if not found:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say("no PostgreSQL on this machine (looked for initdb and postgres)")
    return found[-1]


class Server:
    """A server in a folder of its own.

    Args:
        folder: an empty folder; its path must be short, as a socket's path is.
    """

    def __init__(self, folder: Path) -> None:
        self._programs = programs()
        self._data = folder / "data"
        self.socket = folder
        # Root may become another user, and must.
        self._as: dict[str, Any] = {}
        if os.name == "posix" and os.geteuid() == 0:
            self._as = {"user": SUPERUSER, "group": SUPERUSER, "extra_groups": []}
            shutil.chown(folder, SUPERUSER, SUPERUSER)
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--no-sync")
        (self._data / "pg_hba.conf").write_text(
            f"local all {SUPERUSER},{UNKNOWN} trust\nlocal all all scram-sha-256\n"
        )

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, "-D", self._data, *words],
            capture_output=True,
            cwd=self.socket,
            text=True,
            timeout=_SECONDS * 2,
            **self._as,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        log = (self.socket / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-k", self.socket, *settings],
                stdout=log,
                stderr=log,
                cwd=self.socket,
                start_new_session=True,  # a Ctrl-C in the terminal is not the server's
                **self._as,
            )
        # Ready when the line of the status is; see storage/miscinit.h.
        pid_file = self._data / "postmaster.pid"
        waiting = threading.Event()
        for _ in range(int(_SECONDS / 0.02)):
            with suppress(FileNotFoundError):
                if pid_file.read_text().splitlines()[7:8] == ["ready   "]:
                    return
            if self._process.poll() is not None:
                break
            waiting.wait(0.02)
        pytest.fail((self.socket / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop: SIGINT ends every session, SIGQUIT lets nobody say good-bye."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=_SECONDS)

    def address(self, database: str, role: str = SUPERUSER, **query: str) -> str:
        """The address of a database, as accounts.toml has it."""
        words = {"host": str(self.socket), "port": str(_PORT), **query}
        return f"postgresql+psycopg://{role}@/{database}?" + "&".join(
            f"{key}={value}" for key, value in words.items()
        )

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Another program's connection."""
        import psycopg

        return psycopg.connect(
            host=str(self.socket), port=_PORT, user=SUPERUSER, dbname=database, autocommit=True
        )

    def run(self, database: str, *statements: str) -> list[tuple[Any, ...]]:
        """What another program does in a database; the rows of the last statement."""
        with self.connect(database) as connection:
            for statement in statements:
                answer = connection.execute(statement)
            return answer.fetchall() if answer.description else []

    def sessions(self, database: str) -> list[str]:
        """The names of the programs that are connected to a database."""
        query = f"SELECT application_name FROM pg_stat_activity WHERE datname = '{database}'"
        return [row[0] for row in self.run(SUPERUSER, query)]

    @contextmanager
    def holding(self, database: str, statement: str) -> Iterator[None]:
        """Another program's transaction that has made a statement and goes on."""
        with self.connect(database) as connection, connection.transaction():
            connection.execute(statement)
            yield

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Stop, but stay until the last session has ended; at the end of the block, do not."""
        import psycopg

        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        waiting = threading.Event()
        for _ in range(int(_SECONDS / 0.02)):
            try:
                self.run(SUPERUSER, "SELECT 1")
            except psycopg.OperationalError:
                break
            waiting.wait(0.02)
        yield
        self.stop()

    @contextmanager
    def database(self, options: str = "") -> Iterator[str]:
        """The name of a new database, which is gone when the block ends."""
        name = f"ledger_{uuid.uuid4().hex[:12]}"
        self.run(SUPERUSER, f"CREATE DATABASE {name} {options}")
        try:
            yield name
        finally:
            self.run(SUPERUSER, f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def role(self, password: str) -> Iterator[str]:
        """The name of a new role with a password, which owns nothing when the block ends."""
        name = f"ada_{uuid.uuid4().hex[:8]}"
        self.run(SUPERUSER, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        try:
            yield name
        finally:
            self.run(SUPERUSER, f"DROP ROLE {name}")


@contextmanager
def serving() -> Iterator[Server]:
    """A running server, stopped and removed when the block ends."""
    programs()
    # Not below pytest's folder: that is root's alone, and its path too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Wire:
    """What stands between a program and the server, and can cut the connection once.

    Args:
        server: where the connections lead.
        word: what a statement must hold for its connection to be cut.
        effect: whether the statement still reaches the server, and is done there.
    """

    def __init__(self, server: Server, text: str, *, effect: bool) -> None:
        self._server, self._word, self._effect = server, text.encode(), effect
        self.cuts = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def address(self, database: str) -> str:
        """The address of a database by way of this wire."""
        port = self._listening.getsockname()[1]
        plain = "sslmode=disable&gssencmode=disable"
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{port}/{database}?{plain}"

    def close(self) -> None:
        """Take no further connection; wait for those there are to end."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(timeout=_SECONDS)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._server.socket / f".s.PGSQL.{_PORT}"))
                for relay, one, other in ((self._ask, near, far), (self._answer, far, near)):
                    self._threads.append(threading.Thread(target=relay, args=[one, other]))
                    self._threads[-1].start()

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with near, suppress(OSError):
            while asked := near.recv(65536):
                if not self.cuts and self._word in asked:
                    self.cuts += 1
                    near.shutdown(socket.SHUT_RDWR)
                    if self._effect:
                        far.sendall(asked)
                    break
                far.sendall(asked)
            # The server does what it was asked, and then sees that nobody is there.
            far.shutdown(socket.SHUT_WR)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with far, suppress(OSError):
            while answered := far.recv(65536):
                near.sendall(answered)


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[Server]:
    """A server that the tests of a module share; each has a database of its own."""
    with serving() as server:
        yield server


@pytest.fixture
def no_postgres_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own settings reaches PostgreSQL's library."""
    for name in [one for one in os.environ if one.startswith("PG")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "no-pgpass"))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "no-pg_service.conf"))
