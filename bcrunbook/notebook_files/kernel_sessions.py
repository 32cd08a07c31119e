"""What the kernels of a workspace say of themselves: one small file for each with an open step.

A kernel writes its own whenever something changes; JupyterLab's server reads them for the bar, and
takes them away once the kernel is no more. Nothing secret is in one. Imports nothing heavy, because
the server waits for it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from bcrunbook.notebook_files.own_folder import own_folder

_SCHEMA: Final = 1


def sessions_folder(root: Path) -> Path:
    """Where the files are.

    Args:
        root: the workspace's folder.
    """
    return own_folder(root) / "sessions"


def own_session_file(root: Path) -> Path | None:
    """The file of this process's kernel; None where it is no kernel.

    Args:
        root: the workspace's folder.
    """
    from ipykernel.connect import get_connection_file

    try:
        # By this Jupyter's server knows the kernel.
        kernel = Path(get_connection_file()).stem.removeprefix("kernel-")
    except RuntimeError:
        return None
    return sessions_folder(root) / f"{kernel}.json"


@dataclass(frozen=True)
class KernelAttention:
    """What is waited for, or done, in a kernel.

    Args:
        kind: `click`, a question waits for a click; `person`, a wait for somebody; `working`,
            something is done or followed; `ended`, a wait that ended undone; empty for nothing.
        text: what it is about.
        verb: the step's verb whose cell shows it.
        minutes: whole minutes of a wait so far; None without any.
    """

    kind: str = ""
    text: str = ""
    verb: str = ""
    minutes: int | None = None

    @property
    def sentence(self) -> str:
        """The same as a sentence; empty for nothing."""
        text = self.text.removesuffix(".")
        return {
            "": "",
            "click": f'Waits for your click in the cell of step.{self.verb}(): "{text}".',
            "person": f"{text}. It shows in the cell of step.{self.verb}().",
            "working": f"{text}. It shows in the cell of step.{self.verb}().",
            "ended": f"Not seen yet. {text}. It shows in the cell of step.{self.verb}().",
        }[self.kind]


@dataclass(frozen=True)
class KernelSession:
    """The open step of one kernel.

    Args:
        step: its id.
        given: what the notebook's parameters say: `account`, `customer`.
        account: the account that it works with.
        account_label: the same for a person.
        customer: the customer's name in accounts.toml; empty for none.
        customer_label: the customer for a person.
        is_production: whether the account is for production use.
        cloud: `live` or `rehearsal`; empty where the step cannot be opened.
        tenant: where the work goes.
        signed_in: who is; empty if that is not known.
        mode: how far it may go.
        error: why the step cannot be opened; empty if it can.
        attention: what is waited for, or done.
    """

    step: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    account_label: str = ""
    customer: str = ""
    customer_label: str = ""
    is_production: bool = False
    cloud: str = ""
    tenant: str = ""
    signed_in: str = ""
    mode: str = ""
    error: str = ""
    attention: KernelAttention = field(default_factory=KernelAttention)

    @property
    def is_at_work(self) -> bool:
        """Whether something is done or followed."""
        return self.attention.kind == "working"

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON data."""
        return {"schema": _SCHEMA, **asdict(self)}


def read_sessions(root: Path, alive: Collection[str], runtime: Path) -> dict[str, KernelSession]:
    """The open steps by their kernels' ids.

    Args:
        root: the workspace's folder.
        alive: the kernels of this server.
        runtime: where Jupyter keeps the connection files of kernels, of other servers as well.
    """
    found = {}
    for file in sorted(sessions_folder(root).glob("*.json")):
        kernel = file.stem
        if kernel in alive:
            # It may be gone meanwhile, or another version has written it.
            with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
                found[kernel] = _session(json.loads(file.read_text("utf-8")))
        elif not (runtime / f"kernel-{kernel}.json").exists():
            with contextlib.suppress(OSError):
                file.unlink()
    return found


def _session(told: dict[str, Any]) -> KernelSession:
    if told["schema"] != _SCHEMA:
        raise ValueError("another schema")
    attention = told["attention"]
    minutes = attention["minutes"]
    texts = {
        name: str(told[name])
        for name in KernelSession.__dataclass_fields__
        if name not in ("given", "is_production", "attention")
    }
    return KernelSession(
        **texts,
        given={str(name): str(value) for name, value in told["given"].items()},
        is_production=bool(told["is_production"]),
        attention=KernelAttention(
            str(attention["kind"]),
            str(attention["text"]),
            str(attention["verb"]),
            None if minutes is None else int(minutes),
        ),
    )
