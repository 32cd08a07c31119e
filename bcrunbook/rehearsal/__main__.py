"""`python -m bcrunbook.rehearsal`: the server alone, as the launcher starts it."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bcrunbook.rehearsal.lags import PROFILES, USUAL
from bcrunbook.rehearsal.server import CannotServe, Settings, serve


def main() -> int:
    """Serve until told to stop; exit code 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="bcrunbook.rehearsal", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder that holds the state")
    parser.add_argument("--speed", type=float, default=1.0, help="divides lags and windows")
    parser.add_argument("--lags", choices=PROFILES, default=USUAL.name, help="how new things lag")
    parser.add_argument("--latency", type=int, default=0, help="milliseconds added to each answer")
    parser.add_argument("--faults", type=Path, help="file of fault rules")
    parser.add_argument("--skips", action="store_true", help="skip what everybody waits for")
    parser.add_argument(
        "--ends-with-stdin", action="store_true", help="stop when the other end of stdin is closed"
    )
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        serve(
            Settings(
                given.dir,
                given.speed,
                given.lags,
                given.latency,
                given.faults,
                given.skips,
                given.ends_with_stdin,
            )
        )
    except CannotServe as problem:
        print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
