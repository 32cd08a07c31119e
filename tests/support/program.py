"""The program as a command, for tests and benchmarks that start it in a process of its own."""

import sys

PROGRAM = [sys.executable, "-c", "from bcrunbook.cli import main; main()"]
