"""Tracebacks without secrets, in whatever mode a person has them drawn.

An error that nobody foresaw ends in the cell's output, and so in the saved notebook. In verbose
mode (`%xmode Verbose`) it shows what each frame holds. Nothing of this program holds a token or a
key in plain view; this is the second net, for what the libraries hold.
"""

from __future__ import annotations

from typing import Any, Final

from bcrunbook.secrets import scrub

_WHERE: Final = "a traceback"


def scrub_tracebacks() -> None:
    """From now on, take secrets out of each traceback that this kernel's shell shows.

    Safe to call again.
    """
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None or "_showtraceback" in vars(shell):
        return
    show = shell._showtraceback

    def show_scrubbed(kind: type, error: BaseException, lines: list[str]) -> None:
        show(kind, scrub(str(error), _WHERE), [scrub(one, _WHERE) for one in lines])

    # The one place that the shells of kernels and of this program's engine have in common: what is
    # drawn comes by here, from cells and from %tb alike.
    shell._showtraceback = show_scrubbed
