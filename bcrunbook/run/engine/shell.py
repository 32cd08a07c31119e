"""IPython's own shell in this process; what it says comes out as Jupyter messages."""

from __future__ import annotations

import builtins
import getpass
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ipykernel import jsonutil
from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

Message = dict[str, Any]
"""A message as a kernel would send it: `msg_type`, `header` with its date, and `content`."""


def _plain(data: Any) -> Any:
    """As JSON can hold it, pictures in Base64: as a kernel does it."""
    if isinstance(data, dict):
        data = jsonutil.encode_images(data)  # type: ignore[no-untyped-call]
    return jsonutil.json_clean(data)  # type: ignore[no-untyped-call]


class Spoken:
    """The messages that came about, in order."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def say(self, kind: str, **content: Any) -> None:
        """Add a message."""
        date = datetime.now(UTC)
        header = {"msg_type": kind, "date": date}
        self._messages.append(
            {"msg_type": kind, "header": header, "parent_header": {}, "content": content}
        )

    def stream(self, name: str, text: str) -> None:
        """Add what was printed, to what was printed just before if there is something.

        Args:
            name: `stdout` or `stderr`.
            text: what was printed.
        """
        last = self._messages[-1] if self._messages else None
        if last and last["msg_type"] == "stream" and last["content"]["name"] == name:
            last["content"]["text"] += text
        elif text:
            self.say("stream", name=name, text=text)

    def taken(self) -> list[Message]:
        """All of them, which are gone from here then."""
        taken, self._messages = self._messages, []
        return taken


class _Stream(io.TextIOBase):
    """stdout or stderr while cells run."""

    encoding = "utf-8"

    def __init__(self, name: str, spoken: Spoken) -> None:
        super().__init__()
        self._name = name
        self._spoken = spoken

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._spoken.stream(self._name, text)
        return len(text)


@contextmanager
def _nobody_answers() -> Iterator[None]:
    """A question ends the cell, as with a kernel that papermill runs, and is asked nowhere else."""

    def refuse(name: str) -> Callable[..., str]:
        def asked(*_: object, **__: object) -> str:
            raise StdinNotImplementedError(
                f"{name} was called, but this frontend does not support input requests."
            )

        return asked

    before = builtins.input, getpass.getpass
    builtins.input, getpass.getpass = refuse("raw_input"), refuse("getpass")
    try:
        yield
    finally:
        builtins.input, getpass.getpass = before


class _Publisher(DisplayPublisher):
    """Says what `display` is given."""

    shell: CellShell

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: object = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self.shell.spoken.say(
            "update_display_data" if update else "display_data",
            data=_plain(data),
            metadata=_plain(metadata or {}),
            transient=transient or {},
        )

    def clear_output(self, wait: bool = False) -> None:
        self.shell.spoken.say("clear_output", wait=wait)


class _Hook(DisplayHook):
    """Says what a cell's last line comes to."""

    shell: CellShell

    def write_output_prompt(self) -> None:
        """The count goes with the value."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        self.shell.spoken.say(
            "execute_result",
            execution_count=self.prompt_count,
            data=_plain(format_dict),
            metadata=_plain(md_dict or {}),
        )


class CellShell(InteractiveShell):
    """The shell. Get one from `fresh_shell`."""

    compiler_class = Type(XCachingCompiler)  # names cells in tracebacks as a kernel does
    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def __init__(self, **kwargs: Any) -> None:
        self.spoken = Spoken()
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.spoken.say(
            "error", ename=str(etype.__name__), evalue=str(evalue), traceback=_plain(stb)
        )

    async def run(self, source: str) -> list[Message]:
        """Run a cell.

        Args:
            source: the cell's source.

        Returns:
            What a kernel would send about it, its last reply included.
        """
        count = self.execution_count
        self.spoken.say("status", execution_state="busy")
        self.spoken.say("execute_input", code=source, execution_count=count)
        try:
            transformed, failed = self.transform_cell(source), None  # type: ignore[no-untyped-call]
        except Exception:
            transformed, failed = source, sys.exc_info()
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream("stdout", self.spoken), _Stream("stderr", self.spoken)
        try:
            with _nobody_answers():
                await self.run_cell_async(
                    source,
                    store_history=True,
                    transformed_cell=transformed,
                    preprocessing_exc_tuple=failed,
                )
        finally:
            sys.stdout, sys.stderr = streams
        messages = self.spoken.taken()
        # As with a kernel: an error that was shown is what the reply says.
        errors = [one["content"] for one in messages if one["msg_type"] == "error"]
        reply = {"status": "error", **errors[-1]} if errors else {"status": "ok"}
        self.spoken.say("execute_reply", execution_count=count, **reply)
        self.spoken.say("status", execution_state="idle")
        return messages + self.spoken.taken()


_stock: list[CellShell] = []


def stock_up(count: int) -> None:
    """Make shells ahead, for as many calls of `fresh_shell`; none of them has a past."""
    _stock.extend(_made() for _ in range(count))


def fresh_shell() -> CellShell:
    """A shell without a past, as the one that this process has from now on."""
    shell = _stock.pop() if _stock else _made()
    for one in CellShell._walk_mro():
        setattr(one, "_instance", shell)  # noqa: B010
    sys.modules["__main__"] = shell.user_module
    return shell


def _made() -> CellShell:
    config = Config()
    config.HistoryManager.enabled = False  # history on the disk would outlive the run
    return CellShell(config=config)
