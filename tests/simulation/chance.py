"""Chance, drawn from a seed: ids, secrets, jitter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def seeded(seed: int | str) -> Iterator[None]:
    """Whatever this process draws meanwhile follows from a seed.

    Ids and secrets come from the operating system's source, pauses from `random`'s own.

    Args:
        seed: the seed.
    """
    source, before = random.Random(seed), random.getstate()
    random.seed(seed)
    with (
        mock.patch("os.urandom", source.randbytes),
        mock.patch("random._urandom", source.randbytes),
        # It is made once in a process, and draws from the others.
        mock.patch("tempfile._name_sequence", None),
    ):
        try:
            yield
        finally:
            random.setstate(before)
