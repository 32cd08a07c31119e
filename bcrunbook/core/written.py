"""As whom writes went out, and under which ids services answered: noted with what was done.

Whoever applies a change collects; the clients of the services tell. Nobody who only looks collects
anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Written:
    """What is known of the writes of one change.

    Args:
        identities: as whom they went out, each once.
        request_ids: under which ids services answered them, in order.
    """

    identities: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As a fact's data; nothing where no write went out."""
        told = {"identity": ", ".join(self.identities), "request_ids": list(self.request_ids)}
        return {name: value for name, value in told.items() if value}


_current: ContextVar[Written | None] = ContextVar("written", default=None)


@contextmanager
def collecting() -> Iterator[Written]:
    """Collect what is told of the writes in the block, by this task and those that it begins."""
    written = Written()
    before = _current.set(written)
    try:
        yield written
    finally:
        _current.reset(before)


def so_far() -> dict[str, Any]:
    """What was told of the writes of the change that is being applied, as a fact's data."""
    written = _current.get()
    return written.as_dict() if written is not None else {}


def note_sender(identity: str) -> None:
    """Tell as whom a write leaves.

    Args:
        identity: a person's sign-in name, or what signs in; empty where it is not known.
    """
    written = _current.get()
    if written is not None and identity and identity not in written.identities:
        written.identities.append(identity)


def note_answer(request_id: str) -> None:
    """Tell under which id a service has answered a write; empty where it gave none."""
    written = _current.get()
    if written is not None and request_id:
        written.request_ids.append(request_id)
