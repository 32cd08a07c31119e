"""List the reference pages on a page of their own: `python -m tests.tools.reference`.

Each page says by itself what it is: by its heading and its first sentence, a schema by its title
and its description.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGE = FOLDER / "README.md"

HEAD = """\
# Reference

What the program answers to, in full. All of it is made from the program or compared with it by a
test, so it cannot be out of date; do not edit it by hand.

| page | what it holds |
| --- | --- |
"""


def reference() -> str:
    """The page as it has to be."""
    files = sorted(
        file for file in FOLDER.iterdir() if file != PAGE and file.suffix in (".md", ".json")
    )
    return HEAD + "".join(f"| [{file.name}]({file.name}) | {_about(file)} |\n" for file in files)


def _about(file: Path) -> str:
    """What a page holds, in its own words."""
    text = file.read_text("utf-8")
    if file.suffix == ".json":
        schema = json.loads(text)
        return _joined(schema["title"], schema["description"])
    shown = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    title, *rest = (part for part in shown.split("\n\n") if part.strip())
    return _joined(title.strip().lstrip("# "), " ".join(rest[0].split()) if rest else "")


def _joined(title: str, text: str) -> str:
    """A heading with the first sentence below it."""
    sentence = text.partition(". ")[0].rstrip(".:")
    return f"**{title.strip()}**: {sentence}." if sentence else f"**{title.strip()}**"


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), "utf-8")
    print(PAGE.name)


if __name__ == "__main__":
    main()
