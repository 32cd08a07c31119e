"""Number notebooks and pages anew: `python -m tests.tools.number_notebooks`.

To be run after bcrunbook/order.py was changed. The notebooks are named as the order says, and where
a notebook's text, the README or a page of docs/ calls a step by its number, or a notebook by
its file, that follows. How the steps were numbered when a text was written, the files' old names
tell; so a new step's notebook comes without a number, and calls no other step by one.

What the cells have displayed is left alone: tests.tools.store_outputs makes it anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from bcrunbook.order import NUMBERED, notebook_name

ROOT = Path(__file__).resolve().parents[2]

_FILE = re.compile(r"(?:(\d\d)_)?(\w+)")
_STEPS = re.compile(r"\b([Ss]teps? )(\d+(?:(?:, | and | to )\d+)*)\b")
_NOTEBOOK = re.compile(rf"\b\d\d_({'|'.join(NUMBERED)})\b")
_HEADING = re.compile(r"\A# \d+\. ")
_ROW = re.compile(r"^\| \d+ \|(?= .*\bnotebooks/\d\d_(\w+)\.ipynb)", re.M)


def numbered_anew(text: str, now: dict[int, int]) -> str:
    """A text that calls steps and notebooks as the order says.

    Args:
        text: the text.
        now: by the number that a step had, the one that it has.
    """

    def number(old: re.Match[str]) -> str:
        return str(now.get(int(old.group()), old.group()))

    text = _ROW.sub(lambda row: f"| {NUMBERED.index(row.group(1))} |", text)
    text = _STEPS.sub(lambda steps: steps.group(1) + re.sub(r"\d+", number, steps.group(2)), text)
    return _NOTEBOOK.sub(lambda name: notebook_name(name.group(1)), text)


def _number_notebook(path: Path, step: str, now: dict[int, int]) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = numbered_anew("".join(cell["source"]), now)
            source = _HEADING.sub(f"# {NUMBERED.index(step)}. ", source)
            cell["source"] = source.splitlines(keepends=True)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    path.rename(path.with_name(f"{notebook_name(step)}.ipynb"))


def main(root: Path = ROOT) -> None:
    """Number the notebooks and pages of a checkout.

    Args:
        root: the checkout.

    Raises:
        ValueError: a notebook is of no step.
    """
    files = sorted((root / "notebooks").glob("*.ipynb"))
    named = [_FILE.fullmatch(path.stem) for path in files]
    steps = {path: name.group(2) for path, name in zip(files, named, strict=True) if name}
    now = {
        int(name.group(1)): NUMBERED.index(name.group(2))
        for name in named
        if name and name.group(1)
    }
    for path, step in steps.items():
        _number_notebook(path, step, now)
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        text = page.read_text("utf-8")
        changed = numbered_anew(text, now)
        if changed != text:
            page.write_text(changed, "utf-8")


if __name__ == "__main__":
    main()
