"""What notebook cells call. A cell opens a step, then asks it to examine, plan, apply and tell."""

from bcrunbook.reading import reading

with reading():
    from bcrunbook.notebook.session import NotebookStep, open_step

__all__ = ["NotebookStep", "open_step"]
