"""What papermill finds by the name `bcrunbook`: `papermill --engine bcrunbook IN OUT`.

papermill reads this module while it is being read itself, so nothing of it is named at the top.
"""

from __future__ import annotations

from typing import Any


class RunbookEngine:
    """Runs cells in a process made for them, or in this one if that is what it was made for."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **kwargs: Any) -> Any:
        """See papermill's `Engine`. Arguments as for its own engine, and `execution.execute`."""
        from bcrunbook.run.engine.execution import execute

        return execute(nb, kernel_name, **kwargs)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """See papermill's `Engine`."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """See papermill's `Engine`."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
