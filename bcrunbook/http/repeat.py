"""What may be repeated: only the caller knows whether a second POST makes a second thing."""

from __future__ import annotations

from enum import Enum


class Repeat(Enum):
    """What may be repeated when an answer is bad or missing."""

    SAFE = "safe"
    """A read, or a write that says the same thing twice: repeat on 429, 5xx and lost answers."""
    LOOK = "look"
    """A read whose caller comes back anyway: repeat only what a broken connection swallowed."""
    ONCE = "once"
    """A write that would make a second thing: repeat only what certainly had no effect."""
    KEYED = "keyed"
    """A write that bears an idempotency key: repeat on 429 and lost answers; the service keeps
    any other answer under the key, 5xx included, and would only tell it again."""

    @property
    def is_harmless(self) -> bool:
        """Whether it does not matter if a request had its effect although no answer came."""
        return self in (Repeat.SAFE, Repeat.LOOK)
