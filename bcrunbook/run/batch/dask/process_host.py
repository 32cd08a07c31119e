"""Run with `python -m`: makes the processes that do a Dask worker's jobs.

A Dask worker may not make processes with multiprocessing itself, as it is a daemon; this program
may, and forks them from one that has read what they need. It stands ready for as long as its
standard input is open.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Any

from bcrunbook.run.engine.processes import prepare, process_for


def main() -> None:
    """Read the key from the first line of standard input, and print the address to connect to."""
    prepare()
    listener = Listener(authkey=bytes.fromhex(sys.stdin.readline()))
    print(json.dumps(listener.address), flush=True)
    threading.Thread(target=_accept, args=[listener], daemon=True).start()
    sys.stdin.read()


def _accept(listener: Listener) -> None:
    """Make a process for each job that comes, which has the wire to itself."""
    while True:
        try:
            wire = listener.accept()
        except (AuthenticationError, EOFError, OSError):
            continue  # a stranger, or whoever connected is gone again
        with wire:
            try:
                job = wire.recv()
                process_for(_work, wire, job).start()
            except (EOFError, OSError):
                continue
        multiprocessing.active_children()  # those that have ended are done with


def _work(wire: Connection, job: Any) -> None:
    """Do a job here, where who else is at it may be a worker that was lost with its machine."""
    # Read here, in the process that was made for it, and not in the one that only makes those.
    from bcrunbook.run.batch.worker import work

    work(wire, job, waits_for_lost_holders=True)


if __name__ == "__main__":
    main()
