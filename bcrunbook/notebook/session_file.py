"""What a kernel does now, written down for whoever does not see its cells: the bar in JupyterLab.

One small file for each kernel with an open step, in the workspace. Nothing secret is in it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from bcrunbook.atomic_write import atomic_write
from bcrunbook.core.step import Mode
from bcrunbook.notebook.bar import Whereabouts, account_label
from bcrunbook.notebook.opening import Opening
from bcrunbook.printable import printable
from bcrunbook.secrets import scrub_json
from bcrunbook.steps.context import Context

_FOLDER: Final = ".bcrunbook"
_SESSIONS: Final = "sessions"
_SCHEMA: Final = 1

Kind = Literal["", "click", "person", "working", "ended"]


@dataclass(frozen=True)
class Attention:
    """What is waited for, or done.

    Args:
        kind: `click`, a question waits for a click; `person`, a wait for somebody; `working`,
            something is done or followed; `ended`, a wait that ended undone; empty for nothing.
        text: what it is about.
        verb: the call whose cell shows it.
        minutes: whole minutes of a wait so far; None without any.
    """

    kind: Kind = ""
    text: str = ""
    verb: str = ""
    minutes: int | None = None

    @property
    def sentence(self) -> str:
        """The same as a sentence; empty for nothing."""
        text = self.text.removesuffix(".")
        lower = f"{text[:1].lower()}{text[1:]}"
        return {
            "": "",
            "click": f'Waits for your click in the cell of step.{self.verb}(): "{text}".',
            "person": f"Waits for a person to {lower}.",
            "working": f"{text}. It shows in the cell of step.{self.verb}().",
            "ended": f"Not seen yet: {lower}. It shows in the cell of step.{self.verb}().",
        }[self.kind]


class SessionFile:
    """The file of this process's kernel.

    Args:
        root: the workspace's folder.
    """

    def __init__(self, root: Path) -> None:
        kernel = _kernel_id()
        self._path = root / _FOLDER / _SESSIONS / f"{kernel}.json" if kernel else None
        self._before = ""
        atexit.register(self.remove)

    def write(
        self,
        given: Opening,
        chosen: Opening,
        context: Context | None,
        where: Whereabouts | None,
        mode: Mode,
        error: str,
        attention: Attention,
    ) -> None:
        """Write how it is now, where that has changed.

        Args:
            given: what the notebook asks for.
            chosen: the same with what was chosen instead.
            context: what the step works with; None where it cannot be opened.
            where: where its work goes; None likewise.
            mode: how far it may go.
            error: why it cannot be opened.
            attention: what is waited for.
        """
        if self._path is None:
            return
        customer = context.customer if context is not None else None
        told = {
            "schema": _SCHEMA,
            "step": given.step,
            "given": {"account": given.account, "customer": given.customer},
            "account": chosen.account,
            "account_label": account_label(context.account) if context else chosen.account,
            "is_production": context.account.is_production if context else False,
            "customer": chosen.customer,
            "customer_label": printable(customer.display_name) if customer else "",
            "cloud": context.cloud.kind if context else "",
            "tenant": where.tenant if where else "",
            "signed_in": where.signed_in if where else "",
            "mode": mode.value,
            "error": error,
            "attention": asdict(attention),
        }
        text = json.dumps(scrub_json(told, where="a session's file"))
        if text == self._before:
            return
        self._before = text
        now = datetime.now(UTC).isoformat()
        # A workspace that cannot be written to has no bar; its cells go on.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            (self._path.parent.parent / ".gitignore").write_text("*\n", "utf-8")
            whole = json.dumps(json.loads(text) | {"updated": now})
            atomic_write(self._path, whole.encode("utf-8"))

    def remove(self) -> None:
        """Nothing is open any more."""
        self._before = ""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _kernel_id() -> str:
    """The kernel's id, as Jupyter's server knows it; empty where there is none."""
    from ipykernel.connect import get_connection_file

    try:
        return Path(get_connection_file()).stem.removeprefix("kernel-")
    except RuntimeError:
        return ""
