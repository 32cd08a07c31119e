"""The way out: settings that cannot be used are named, and nobody's password is repeated."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bcrunbook.cloud import Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput, RunbookError, Unreachable
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from bcrunbook.rehearsal import RehearsalDescription
from tests.cli.conftest import Command, command
from tests.conftest import MakeWorkspace, only_account
from tests.support.certificates import Authority

__all__ = ["command"]

LIVE = Cloud(kind="live", pace=Pace(1000.0))
URL = "https://graph.microsoft.com/v1.0/applications"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the network but the test's own."""
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


async def error_of(cloud: Cloud, url: str = URL) -> RunbookError:
    """What is said where a request cannot be made."""
    with pytest.raises(RunbookError) as caught:
        async with Http(cloud) as http:
            await http.send("GET", url, repeat=Repeat.ONCE)
    return caught.value


# --- the proxy ---------------------------------------------------------------------------------

UNUSABLE = {
    "a slash in the password": ("http://ada:Wq7/zzXyLm@proxy:8080", "percent-encode"),
    "a slash after digits": ("http://ada:12/zzXyLm@proxy:8080", "percent-encode"),
    "a hash in the password": ("http://ada:pa#zzXyLm@proxy:8080", "%23"),
    "a question mark": ("http://ada:pa?zzXyLm@proxy:8080", "%3F"),
    "an at sign": ("http://ada:pa@zzXyLm@proxy:8080", "%40"),
    "a bracket": ("http://ada:pa[zzXyLm@proxy:8080", "percent-encode"),
    "a domain before the name": ("http://CORP\\ada:zzXyLm@proxy:8080", "%5C"),
    "a slash, and no scheme": ("ada:Wq7/zzXyLm@proxy:8080", "percent-encode"),
    "SOCKS": ("socks5h://ada:zzXyLm@127.0.0.1:1080", "httpx[socks]"),
    "another scheme": ("ftp://ada:zzXyLm@proxy:8080", "http://HOST:PORT"),
    "no number for a port": ("http://ada:zzXyLm@proxy:many", "USER:PASSWORD@HOST:PORT"),
    "a port beyond all": ("http://proxy:99999", "http://HOST:PORT"),
    "a host that no name allows": ("http://ada:zzXyLm@\u2603.example:8080", "http://HOST:PORT"),
    "quotes around it": ('"http://ada:zzXyLm@proxy:8080"', "without quotes"),
}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(("value", "advice"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_proxy_that_cannot_be_used_is_named(
    name: str, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its variable, as wrong configuration, with what to write, and without its password."""
    monkeypatch.setenv(name, value)
    error = await error_of(LIVE)
    assert isinstance(error, FixInput)
    assert name in error.what and advice in error.next
    assert not [word for word in ("zzXyLm", "Wq7", "ada") if word in str(error)]


@pytest.mark.parametrize(
    "value",
    [
        "ada:Wq7zzXy@127.0.0.1:9",
        "http://ada:Wq7zzXy@127.0.0.1:9/",
        "http://ada:Wq7%2FzzXy@127.0.0.1:9",
        "http://ada:Wq7/zzXyLm@127.0.0.1:9",
        "http://ada:Wq7#zzXyLm@127.0.0.1:9",
        "http://ada:Wq7?zzXyLm@127.0.0.1:9",
        "http://ada:Wq7@zzXyLm@127.0.0.1:9",
    ],
)
def test_a_proxy_s_password_is_in_nothing_that_is_written(
    value: str, command: Command, make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in what doctor says, which is made to be pasted, nor in the log or a traceback."""
    monkeypatch.setenv("HTTPS_PROXY", value)
    root = make_workspace(cloud="live", codat_api_key=None).root
    result = command("doctor", "-w", root, "--debug")
    assert result.code in (1, 2) and "HTTPS_PROXY" in result.out
    assert not [word for word in ("zzXy", "Wq7") if word in result.out + result.err]


@pytest.mark.scrubs
def test_a_proxy_s_password_is_in_no_notebook_and_no_report(
    command: Command, make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends as wrong configuration, and no file of it holds a part of the address."""
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:Wq7/zzXyLm@proxy.contoso.example:8080")
    workspace = make_workspace(cloud="live")
    result = command("run", only_account(workspace), "start_here", "-w", workspace.root)
    assert result.code == 2 and "HTTPS_PROXY" in result.err
    files = [one for one in (workspace.root / "runs").rglob("*") if one.is_file()]
    written = [result.out, result.err, *(one.read_text("utf-8") for one in files)]
    assert [one for one in files if one.suffix == ".ipynb"]
    assert not [word for word in ("zzXy", "Wq7") for text in written if word in text]


async def test_all_proxy_is_taken_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As curl does. It is named when nothing answers there."""
    monkeypatch.setenv("ALL_PROXY", "127.0.0.1:9")
    assert "ALL_PROXY" in str(await error_of(LIVE))
    monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:10")
    error = await error_of(LIVE)
    assert "127.0.0.1:10 (the environment variable HTTPS_PROXY)" in error.why


async def test_a_proxy_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot be found may be the proxy's, not the service's: which one is said."""
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:Wq7zzXy@proxy.invalid:8080")
    error = await error_of(LIVE)
    assert isinstance(error, Unreachable)
    assert "proxy.invalid:8080 (the environment variable HTTPS_PROXY)" in error.why
    assert "Wq7zzXy" not in str(error)


@pytest.mark.parametrize(
    "exceptions", ["*.0.0.1", ".0.0.1", "127.0.0.1:{port}", "a.example, 127.0.0.1", "*"]
)
async def test_exceptions_from_the_proxy_in_every_form(
    exceptions: str, cloud: RehearsalDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a star before the dot or without it, and with a port."""
    port = cloud.pages.rsplit(":", 1)[1]
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exceptions.format(port=port))
    async with Http(LIVE) as http:
        answer = await http.send("GET", f"{cloud.pages}/devicelogin", repeat=Repeat.ONCE)
        assert answer.status_code == 200
        monkeypatch.setenv("NO_PROXY", "127.0.0.1:1")
        with pytest.raises(Unreachable):
            await http.send("GET", f"{cloud.pages}/devicelogin", repeat=Repeat.ONCE)


@contextlib.asynccontextmanager
async def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback that gives everybody the same answer; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


async def test_a_proxy_that_wants_to_know_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gave no password is told where one may stand; who gave one, that it was not taken."""
    async with answering(REFUSED) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        without = await error_of(LIVE)
        in_file = await error_of(Cloud("live", proxy=f"http://127.0.0.1:{port}", pace=Pace(1000.0)))
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:Wq7zzXy@127.0.0.1:{port}")
        wrong = await error_of(LIVE)
    assert "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT" in without.next
    assert "leave [network] proxy out" not in without.next
    assert "leave [network] proxy out" in in_file.next
    assert "HTTPS_PROXY=" not in wrong.next and "NTLM" in wrong.next
    assert "Wq7zzXy" not in str(wrong)


# --- certificates ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"])
@pytest.mark.parametrize("what", ["nothing", "a file with nothing in it", "a folder"])
@pytest.mark.parametrize("ca", [None, "ca.pem"])
async def test_a_variable_that_points_to_nothing_is_named(
    name: str, what: str, ca: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And [network] ca is not blamed for it: a variable may be left over from another program."""
    if (name, what) == ("SSLKEYLOGFILE", "a file with nothing in it"):
        pytest.skip("this is what it has to be")
    named = tmp_path / "named"
    if what == "a folder":
        named.mkdir()
    elif what != "nothing":
        named.touch()
    if name == "SSLKEYLOGFILE" and what == "nothing":
        named = named / "below"
    monkeypatch.setenv(name, str(named))
    (tmp_path / "ca.pem").write_bytes(Authority().pem)
    error = await error_of(Cloud(kind="live", ca=tmp_path / ca if ca else None))
    assert isinstance(error, FixInput)
    assert name in error.what and str(named) in error.where and name in error.next


def test_doctor_shows_the_other_checks(
    command: Command,
    make_workspace: MakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One check that cannot be made takes nothing from what the others found."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    result = command("doctor", "-w", make_workspace(cloud="live", codat_api_key=None).root)
    assert result.code == 2
    lines = {line.split(":")[0].split()[-1]: line.split()[0] for line in result.out.splitlines()}
    assert lines["kernel"] == lines["Ledger"] == "ok"
    assert "SSL_CERT_FILE" in result.out


def test_doctor_shows_them_also_when_nobody_foresaw_how_one_ends(
    command: Command, make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed as one that could not be made."""

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("bcrunbook.cli.doctor.open_ledger", fail)
    result = command("doctor", "-w", make_workspace().root)
    assert result.code == 1
    assert "failed  Ledger: could not be made (ZeroDivisionError)" in result.out
    assert "reached, rehearsal cloud" in result.out


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are checked as by Python 3.13 and later, whichever this one is."""
    made: Callable[..., ssl.SSLContext] = ssl.create_default_context

    def create(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = made(*args, **kwargs)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.usefixtures("strict")
async def test_certificates_that_lack_what_newer_pythons_want(tmp_path: Path) -> None:
    """The advice is not what has been followed already, and following it lets the service in."""
    authority = Authority()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    tls = authority.server(tmp_path, "localhost", names_authority=False)
    async with answering(OK, tls) as port:
        url = f"https://localhost:{port}/"
        error = await error_of(Cloud(kind="live", ca=ca, pace=Pace(1000.0)), url)
        assert "Missing Authority Key Identifier" in error.what
        assert "strict = false" in error.next
        cloud = Cloud(kind="live", ca=ca, strict_certificates=False)
        async with Http(cloud) as http:
            assert (await http.send("GET", url, repeat=Repeat.ONCE)).status_code == 200


def test_the_setting_is_read_from_accounts_toml(make_workspace: MakeWorkspace) -> None:
    """`[network] strict`."""
    from bcrunbook.accounts import load
    from bcrunbook.cloud import cloud_of

    workspace = make_workspace(cloud="live")
    config = workspace.root / "accounts.toml"
    config.write_text(config.read_text("utf-8") + "[network]\nstrict = false\n", encoding="utf-8")
    account = workspace.account(only_account(workspace))
    assert cloud_of(workspace, account).strict_certificates
    assert not cloud_of(load(workspace.root), account).strict_certificates


async def test_what_openssl_says_decides_the_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of time, for another name, or by an authority that nobody here knows."""
    authority, ca = Authority(), tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    known, unknown = (Cloud("live", ca=one, pace=Pace(1000.0)) for one in (ca, None))
    past = datetime.now(UTC) - timedelta(days=1)
    async with answering(OK, authority.server(tmp_path, "localhost", until=past)) as port:
        assert "clock" in (await error_of(known, f"https://localhost:{port}/")).next
    async with answering(OK, authority.server(tmp_path, "other.example")) as port:
        assert "browser" in (await error_of(known, f"https://localhost:{port}/")).next
    async with answering(OK, authority.server(tmp_path, "localhost")) as port:
        url = f"https://localhost:{port}/"
        assert "[network] ca" in (await error_of(unknown, url)).next
        other = tmp_path / "other.pem"
        other.write_bytes(Authority().pem)
        error = await error_of(Cloud("live", ca=other, pace=Pace(1000.0)), url)
        assert str(other) in error.why and "[network] ca" not in error.next
        monkeypatch.setenv("SSL_CERT_FILE", str(other))
        assert "SSL_CERT_FILE" in (await error_of(unknown, url)).next
