"""A kernel that is ready before a notebook asks for one: loaded by Jupyter's server.

Most of the time from opening a notebook until it can be used goes by while Python reads what the
notebook needs. So the server holds one process that has read it, and has it become the kernel that
is asked for next; then it makes another. The process knows nothing of any account before that.
Imports nothing heavy, because the server waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from typing import Any, Final

from jupyter_client.launcher import launch_kernel
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

# So that reading for the kernel after does not slow down the notebook that is being opened.
AGAIN_SECONDS: Final = 5.0

_LAUNCHER: Final = ["-m", "ipykernel_launcher"]
# What belongs to the process, and was right when it was started.
_OF_THE_PROCESS: Final = ("JPY_PARENT_PID", "JPY_INTERRUPT_EVENT", "IPY_INTERRUPT_EVENT")


class _Spare:
    """The process held in readiness, if there is one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Start one, unless there is one that is alive."""
        if self._process is not None and self._process.poll() is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process = None
        if self._process is None:
            self._process = launch_kernel(
                [sys.executable, "-P", "-m", "bcrunbook.run.lab.warm_kernel"],
                stdin=subprocess.PIPE,
            )

    def take(self) -> subprocess.Popen[bytes] | None:
        """The process, which is from now on somebody else's; None if there is none."""
        process, self._process = self._process, None
        return process


_SPARE: Final = _Spare()


def keep_warm(again: float = 0.0) -> None:
    """Have a process in readiness.

    Args:
        again: seconds to wait before it is started.
    """
    asyncio.get_running_loop().call_later(again, _SPARE.make)


class WarmProvisioner(LocalProvisioner):
    """Launches kernels as Jupyter does, but from the process in readiness where there is one."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """See `KernelProvisionerBase`."""
        keep_warm(AGAIN_SECONDS)
        process = _SPARE.take() if cmd[1:3] == _LAUNCHER else None
        if process is None or not _became(process, cmd[3:], kwargs):
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process
        self.pid = process.pid
        if hasattr(os, "getpgid"):
            with contextlib.suppress(OSError):
                self.pgid = os.getpgid(process.pid)
        self.cwd = kwargs.get("cwd")
        return self.connection_info


def _became(process: subprocess.Popen[bytes], arguments: list[str], kwargs: dict[str, Any]) -> bool:
    """Whether `process` has been handed what the kernel needs, and so becomes it."""
    environment = kwargs.get("env") or dict(os.environ)
    parameters = {
        "argv": arguments,
        "cwd": kwargs.get("cwd"),
        "env": {k: v for k, v in environment.items() if k not in _OF_THE_PROCESS},
    }
    assert process.stdin is not None
    try:
        # Shorter than what a pipe holds, or read at once: nothing to wait for.
        with process.stdin as line:
            line.write(json.dumps(parameters).encode() + b"\n")
    except OSError:
        process.kill()  # if it has not ended by itself
        process.wait()
        return False
    return True
