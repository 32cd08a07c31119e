"""Draw the map for README and notebooks: `python -m tests.tools.journey_picture`.

Nobody's state is in it: it shows the steps, who acts, and the usual minutes. The README shows it as
a file. A notebook is copied to where no such file is, so it has the picture within its first cell,
each with its own step marked: as an address that holds the picture itself, since JupyterLab shows
no SVG that is attached to a cell, and nbconvert none that is an image in Markdown.
"""

from __future__ import annotations

import base64
import json
import re
from itertools import groupby
from pathlib import Path
from typing import Final

from bcrunbook.order import ORDER
from bcrunbook.steps import STEPS, notebook_of
from bcrunbook.views.journey import WIDTH, journey_picture

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = Path("docs") / "journey.svg"
_IMAGE: Final = re.compile(r"\n*<img [^>]*data:image/svg\+xml[^>]*>\n?\Z")


def about() -> str:
    """What the picture shows, for who does not see it."""
    lanes = groupby(STEPS, key=lambda one: one.description.lane)
    told = (
        f"{lane.value}: {', '.join(f'{ORDER.index(one.id)}. {one.title}' for one in members)}"
        for lane, members in lanes
    )
    return f"The map of the steps. {'. '.join(told)}."


def image(step: str) -> str:
    """The picture with one step marked, as an element for a notebook's Markdown.

    Args:
        step: the step's id.
    """
    data = base64.b64encode(journey_picture(step).encode()).decode()
    return f'<img width="{WIDTH}" alt="{about()}" src="data:image/svg+xml;base64,{data}">'


def with_picture(notebook: str, step: str) -> str:
    """A notebook whose first cell ends with the picture.

    Args:
        notebook: the notebook, as JSON.
        step: its step's id.
    """
    content = json.loads(notebook)
    head = content["cells"][0]
    text = _IMAGE.sub("", "".join(head["source"]))
    head["source"] = f"{text}\n\n{image(step)}".splitlines(keepends=True)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main(root: Path = ROOT) -> None:
    """Draw it everywhere.

    Args:
        root: the checkout.
    """
    (root / PICTURE).write_text(f"{journey_picture()}\n", "utf-8")
    print(PICTURE.name)
    for step in STEPS:
        path = root / "notebooks" / notebook_of(step)
        path.write_text(with_picture(path.read_text("utf-8"), step.id), "utf-8")
        print(path.name)


if __name__ == "__main__":
    main()
