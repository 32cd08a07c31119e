"""A notebook as users get it: nothing that a run showed, and no mark that is only the project's.

The notebooks of the repository keep what their cells showed, and tags that say which of it the
tests compare. In a user's hands the one would look like a run of theirs, and the other would have
tools that clean notebooks keep what they are to strip.

The wheel is built with this (`hatch_build.py`), so it needs nothing but Python.
"""

from __future__ import annotations

import json
from typing import Final

# What papermill looks for. Every other tag is for the project's own tests.
_KEPT_TAGS: Final = ("parameters",)


def blank(notebook: str) -> str:
    """A notebook without outputs, counts and the project's own tags.

    Args:
        notebook: the notebook, as JSON.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        tags = [one for one in cell["metadata"].pop("tags", ()) if one in _KEPT_TAGS]
        if tags:
            cell["metadata"]["tags"] = tags
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
