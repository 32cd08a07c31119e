"""The CONNECT proxy: the only way in, and the reason why a rehearsal cannot touch a real service.

A tunnel to a host that the rehearsal cloud stands in for is spliced to the TLS server beside it;
every other host is refused, and so is plain http. Nothing here ever opens a connection that
leaves the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Collection
from http import HTTPStatus
from typing import Final, Protocol

HEAD_LIMIT: Final = 16 * 1024
HEAD_SECONDS: Final = 30
CHUNK: Final = 64 * 1024


class RequestLog(Protocol):
    """Where refusals are written down."""

    def write(self, **values: object) -> None:
        """Append one line."""


class ConnectProxy:
    """Splices tunnels to known hosts, refuses the rest."""

    def __init__(self, hosts: Collection[str], tls_port: int, log: RequestLog) -> None:
        self._hosts = frozenset(hosts)
        self._tls_port = tls_port
        self._log = log
        self._tunnels: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection (the callback of asyncio.start_server)."""
        self._tunnels[writer] = ended = asyncio.Event()
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the client went away or talked nonsense; there is nobody to tell
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del self._tunnels[writer]
            ended.set()

    async def stop(self) -> None:
        """End all tunnels."""
        open_now = dict(self._tunnels)
        for writer in open_now:
            # Cut, not cancelled: each end then sees its other end gone and closes by itself.
            writer.transport.abort()
        for ended in open_now.values():
            await ended.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        lines = head.decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        target = rest.partition(" ")[0]
        client = next(
            (line[11:].strip() for line in lines if line.lower().startswith("user-agent:")), ""
        )
        if method != "CONNECT":
            await self._refuse(
                writer,
                HTTPStatus.FORBIDDEN if "://" in target else HTTPStatus.BAD_REQUEST,
                method,
                "",
                target.partition("?")[0],
                client,
                "This is the proxy of a rehearsal cloud. It takes CONNECT requests for https "
                "addresses only; plain http is refused.",
            )
            return
        host, _, port = target.rpartition(":")
        host = host.strip("[]").lower().rstrip(".")
        if host not in self._hosts or port != "443":
            await self._refuse(
                writer,
                HTTPStatus.FORBIDDEN,
                method,
                host,
                target,
                client,
                f"The rehearsal cloud does not stand in for {target}, and it never connects to a "
                f"real service. It stands in for: {', '.join(sorted(self._hosts))} (port 443).",
            )
            return
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._tls_port)
        writer.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, upstream), _pump(upstream_reader, writer))
        finally:
            upstream.close()
            with contextlib.suppress(OSError):
                await upstream.wait_closed()

    async def _refuse(
        self,
        writer: asyncio.StreamWriter,
        status: HTTPStatus,
        method: str,
        host: str,
        target: str,
        client: str,
        message: str,
    ) -> None:
        self._log.write(
            t=round(time.time(), 3),
            host=host,
            method=method,
            path=target,
            status=int(status),
            ms=0,
            client=client,
        )
        body = json.dumps({"error": {"code": "RehearsalRefused", "message": message}}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then end the target: a cut on one side is a cut on the other."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
