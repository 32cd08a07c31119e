"""A host that wants to know the program by a certificate: it is shown it, and no other host is."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bcrunbook.accounts import load
from bcrunbook.cloud import ClientCertificate, Cloud
from bcrunbook.core.pace import Pace
from bcrunbook.errors import FixInput, RunbookError
from bcrunbook.http.client import Http
from bcrunbook.http.repeat import Repeat
from tests.conftest import MakeWorkspace

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CLIENT = "3f1c8a52-4f6e-4a57-9a7e-0d5f6f0b7a11"


@contextlib.contextmanager
def demanding(
    ours: trustme.CA, theirs: trustme.CA, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> Iterator[tuple[int, list[bool]]]:
    """A server on loopback that wants a client certificate; its port, and who has shown one.

    On plain sockets: asyncio closes a connection before OpenSSL's alert has left.

    Args:
        ours: who has issued the server's own certificate, for localhost.
        theirs: who has to have issued a client's.
        version: the version of TLS, which decides when a refusal arrives.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = tls.maximum_version = version
    ours.issue_cert("localhost").configure_cert(tls)
    theirs.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    seen: list[bool] = []

    class Demand(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),
                tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False) as s,
            ):
                try:
                    s.do_handshake()
                except OSError:
                    # Closed before what the client has sent was read, the connection is reset, and
                    # the alert may be lost on its way.
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                    return
                while b"\r\n\r\n" not in (s.recv(65536) or b"\r\n\r\n"):
                    pass
                seen.append(bool(s.getpeercert()))
                s.sendall(OK)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Demand) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            thread.join()


class Desk:
    """An authority of the service's, one of its clients', and a certificate of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service, self.clients = trustme.CA(), trustme.CA()
        (folder / "ca.pem").write_bytes(self.service.cert_pem.bytes())
        issued = self.clients.issue_cert(common_name="us")
        self.certificate, self.private_key = folder / "us.pem", folder / "very-private.pem"
        self.certificate.write_bytes(issued.cert_chain_pems[0].bytes())
        self.private_key.write_bytes(issued.private_key_pem.bytes())

    def cloud(self, host: str = "localhost") -> Cloud:
        """A cloud in which a host is shown the certificate."""
        mine = ClientCertificate(
            host, self.certificate, self.private_key, "accounts.trial.codat_mtls"
        )
        ca = self.folder / "ca.pem"
        return Cloud(kind="live", ca=ca, pace=Pace(1000.0), certificate=mine)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """What such a connection takes."""
    return Desk(tmp_path)


async def ask(cloud: Cloud, port: int, host: str = "localhost") -> int:
    """The status that a host answers."""
    async with Http(cloud) as http:
        url = f"https://{host}:{port}/profile"
        return (await http.send("GET", url, repeat=Repeat.SAFE)).status_code


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_host_is_shown_the_certificate(desk: Desk, version: ssl.TLSVersion) -> None:
    """And answers."""
    with demanding(desk.service, desk.clients, version=version) as (port, seen):
        assert await ask(desk.cloud(), port) == 200
    assert seen == [True]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_no_other_host_is_shown_it(desk: Desk, version: ssl.TLSVersion) -> None:
    """One that wants a certificate too gets none, and what to set is said."""
    with (
        demanding(desk.service, desk.clients, version=version) as (port, seen),
        pytest.raises(RunbookError) as caught,
    ):
        await ask(desk.cloud("api.codat.io"), port)
    assert seen == []
    assert isinstance(caught.value, FixInput)
    assert "wants a client certificate" in caught.value.what
    assert "codat_mtls" in caught.value.next


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_is_not_accepted(desk: Desk, version: ssl.TLSVersion) -> None:
    """It is said as what it is, with the setting, and at once: another try would not help."""
    with (
        demanding(desk.service, trustme.CA(), version=version) as (port, seen),
        pytest.raises(RunbookError) as caught,
    ):
        await ask(desk.cloud(), port)
    assert seen == []
    assert isinstance(caught.value, FixInput)
    assert "does not accept" in caught.value.what
    assert caught.value.where == "accounts.toml, accounts.trial.codat_mtls"


def spoil(desk: Desk, how: str) -> None:
    """Make one of the two files unusable."""
    if how == "missing":
        desk.private_key.unlink()
    elif how == "of another certificate":
        desk.private_key.write_bytes(desk.clients.issue_cert("x.example").private_key_pem.bytes())
    elif how == "no PEM":
        desk.certificate.write_text("not a certificate")
    else:
        key = load_pem_private_key(desk.private_key.read_bytes(), None)
        locked = BestAvailableEncryption(b"a-password")
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
        desk.private_key.write_bytes(text)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing", "No such file"),
        ("of another certificate", "belongs to another certificate"),
        ("no PEM", "form PEM"),
        ("protected", "password"),
    ],
)
async def test_files_that_cannot_be_used(desk: Desk, how: str, why: str) -> None:
    """What is wrong is said, and neither the key's file nor what it holds."""
    spoil(desk, how)
    with pytest.raises(FixInput) as caught:
        Http(desk.cloud())
    assert why in caught.value.why and "codat_mtls" in caught.value.where
    assert desk.private_key.name not in f"{caught.value} {caught.value.as_dict()}"


def test_the_key_s_file_is_in_no_message(make_workspace: MakeWorkspace, desk: Desk) -> None:
    """Neither in what a mistake of the file says, nor in how an account or a cloud shows itself."""
    mtls = {
        "client": CLIENT,
        "certificate": str(desk.certificate),
        "private_key": str(desk.private_key),
    }
    workspace = make_workspace(codat_mtls=mtls)
    (account,) = workspace.accounts.values()
    assert account.codat_mtls is not None
    assert account.codat_mtls.private_key == desk.private_key
    assert desk.private_key.name not in f"{workspace!r} {replace(desk.cloud(), pages='x')!r}"
    file = workspace.root / "accounts.toml"
    text = file.read_text("utf-8")
    for wrong, expected in (
        (text.replace(CLIENT, "no-guid"), "the GUID of the Codat instance"),
        (text.replace("private_key =", "key ="), "private_key"),
        (text.replace(f'"{mtls["private_key"]}"', "17"), "expected the path of a PEM file"),
    ):
        file.write_text(wrong, "utf-8")
        with pytest.raises(FixInput) as caught:
            load(workspace.root)
        assert expected in str(caught.value)
        assert desk.private_key.name not in str(caught.value)
