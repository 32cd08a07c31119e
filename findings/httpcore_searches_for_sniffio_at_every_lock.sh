#!/usr/bin/env bash
# httpcore 1.0.9 with anyio 4.16.0: each request searches the whole import path for a missing sniffio.
#
# httpcore finds out under which event loop it runs each time it makes a lock, an event or a shield
# against cancellation: it imports sniffio, and takes asyncio for granted where that fails. As long as
# anyio depended on sniffio it was always there. anyio depends on it no more, and httpcore does not
# name it among its own dependencies; so a fresh `pip install httpx` has none. Python remembers modules
# that it has found, and not those that it has not: each time every entry of sys.path is looked into.
#
# One request on a new connection does so eight times, the next one on the same connection four times,
# and more with TLS and a proxy. With sniffio installed it is searched for once.
#
# Nothing leaves this machine: a server in the same process answers.
#
# Seen on 2026-11-30, CPython 3.11:
#   without sniffio, the first request: 8
#   without sniffio, the next request: 4
#   with sniffio, the first request: 1
#   with sniffio, the next request: 0
#
# Fails when any of the four lines differs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet httpx==0.28.1 httpcore==1.0.9 anyio==4.16.0 h11==0.16.0 2>/dev/null
cat > request.py <<'PY'
import asyncio
import sys

import httpx

searched = []


class Counter:
    """Is asked before every other finder, and finds nothing."""

    def find_spec(self, name, path=None, target=None):
        if name == "sniffio":
            searched.append(name)
        return None


async def answer(reader, writer):
    while (line := await reader.readline()):
        while line not in (b"\r\n", b""):
            line = await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
    writer.close()


async def main(which):
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        sys.meta_path.insert(0, Counter())
        for request in ("first", "next"):
            searched.clear()
            assert (await client.get(address)).text == "ok"
            print(f"{which} sniffio, the {request} request:", len(searched))
    server.close()
    await asyncio.sleep(0.2)  # until the server has seen that the client is gone


asyncio.run(main(sys.argv[1]))
PY
venv/bin/python request.py without | tee said.txt
venv/bin/pip install --quiet sniffio==1.3.1 2>/dev/null
venv/bin/python request.py with | tee -a said.txt
diff said.txt - <<'SEEN'
without sniffio, the first request: 8
without sniffio, the next request: 4
with sniffio, the first request: 1
with sniffio, the next request: 0
SEEN
