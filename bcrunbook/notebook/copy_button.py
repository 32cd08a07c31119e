"""A button that copies a text which is shown anyway, in the browser: no kernel is needed for it."""

from __future__ import annotations

from typing import Final

import anywidget
import traitlets

_ESM: Final = """
function render({ model, el }) {
  const button = document.createElement("button");
  button.className = "jupyter-button lm-Widget";
  button.textContent = model.get("label");
  const note = document.createElement("span");
  note.className = "bcr-note soft";
  note.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(model.get("text"));
      note.textContent = "Copied.";
    } catch {
      note.textContent = "This browser lets no page copy: select it and copy it by hand.";
    }
  });
  el.classList.add("bcr-entry");
  el.append(button, note);
}
export default { render };
"""


class CopyButton(anywidget.AnyWidget):
    """One button with a note beside it.

    Args:
        label: what the button says.
        text: what it copies. Nothing secret: it is part of the widget.
    """

    _esm = _ESM
    label = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, text: str) -> None:
        super().__init__(label=label, text=text)
