"""One secret value in memory, and the registry of every value this process has held.

The registry never forgets: a text written an hour after the last use of a secret must still be
scrubbed of it. It lives in memory only, and ends with the process.
"""

from __future__ import annotations

import hmac
from typing import Any, Final, Generic, NoReturn, TypeVar

from bcrunbook.errors import ReportBug

MASK: Final = "•••"

# A shorter value would be found by chance in ordinary text.
SHORTEST_SCRUBBED: Final = 6

registered: dict[str, None] = {}

T = TypeVar("T")


def register(value: str) -> None:
    """Have the scrubber know a value from now on, unless it is too short to be looked for."""
    if len(value) >= SHORTEST_SCRUBBED:
        registered[value] = None


class Secret:
    """A secret value that prints as `•••` and does not pickle, serialise or change.

    Args:
        value: the secret itself, exactly as the service or the person gave it.

    Raises:
        ReportBug: the value is empty or not text.
    """

    __slots__ = ("__value",)

    __value: str

    def __init__(self, value: str) -> None:
        if not isinstance(value, str) or not value:
            raise ReportBug(
                "A secret was to be held that has no value.",
                why="whatever should have delivered it gave an empty answer",
            )
        object.__setattr__(self, "_Secret__value", value)
        register(value)

    def reveal(self) -> str:
        """The value itself. Call it only where the value leaves for its service or its store."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        # A width or precision must not reach the value either.
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass a reference to its store")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass a reference to its store")


class Veiled(Generic[T]):
    """Anything that holds a secret within, such as a library's own form of it; shows nothing.

    Args:
        content: what is held. Its secrets are not known to the scrubber by this.
    """

    __slots__ = ("__content",)

    def __init__(self, content: T) -> None:
        self.__content = content

    def reveal(self) -> T:
        """The content. Call it only where it is handed over, or one harmless part is taken."""
        return self.__content

    def __repr__(self) -> str:
        return MASK

    def __getstate__(self) -> NoReturn:
        raise TypeError("what is veiled is not pickled")
