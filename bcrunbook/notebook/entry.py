"""A field to type into, or a list to choose from, that works while a cell waits.

ipywidgets' own fields send a change only when the kernel has reported that it is done with the one
before. For what comes while a cell awaits something, ipykernel (7.4) reports nothing, so that of a
word that is typed then only its first letter arrives. Messages of a widget's own are not held back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import anywidget
import traitlets

_ESM: Final = """
function render({ model, el }) {
  const id = "bcr-" + Math.random().toString(36).slice(2);
  const label = document.createElement("label");
  label.htmlFor = id;
  label.textContent = model.get("label");
  const options = model.get("options");
  const control = document.createElement(options.length ? "select" : "input");
  control.id = id;
  for (const [text, value] of options) control.add(new Option(text, value));
  if (!options.length) Object.assign(control, { type: "text", autocomplete: "off" });
  control.value = model.get("value");
  control.disabled = model.get("disabled");
  const note = document.createElement("div");
  note.id = id + "-note";
  note.setAttribute("role", "status");
  control.setAttribute("aria-describedby", note.id);
  const tell = () => {
    note.textContent = model.get("note");
    note.className = "bcr-note " + (model.get("is_problem") ? "problem" : "soft");
    control.setAttribute("aria-invalid", String(model.get("is_problem")));
  };
  control.addEventListener("input", () => model.send({ value: control.value }));
  const leave = () => model.send({ value: control.value, left: true });
  control.addEventListener("change", leave);
  control.addEventListener("blur", leave);
  control.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:note", tell);
  model.on("change:is_problem", tell);
  model.on("change:disabled", () => { control.disabled = model.get("disabled"); });
  model.on("change:value", () => {
    // What comes back while somebody types is older than what they have typed.
    if (document.activeElement !== control) control.value = model.get("value");
  });
  tell();
  el.classList.add("bcr-entry");
  el.append(label, control, note);
}
export default { render };
"""


class Entry(anywidget.AnyWidget):
    """One field with its label and a note below it.

    Args:
        label: what it is called.
        value: what is in it at first.
        options: texts and values to choose from; empty for a field to type into.
        changed: called in the event loop after each change.
        left: called in the event loop when the field is left, or Enter is pressed in it.
    """

    _esm = _ESM
    label = traitlets.Unicode().tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)
    options: Any = traitlets.List().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    is_problem = traitlets.Bool().tag(sync=True)
    disabled = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        label: str,
        value: str = "",
        *,
        options: Sequence[tuple[str, str]] = (),
        changed: Callable[[], None] = lambda: None,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(label=label, value=value, options=[list(one) for one in options])
        self._changed = changed
        self._left = left
        self._loop = asyncio.get_running_loop()
        self.on_msg(self._received)

    def say(self, note: str, *, is_problem: bool = False) -> None:
        """Show a note below the field.

        Args:
            note: what is shown.
            is_problem: whether it says that the value cannot stay.
        """
        self.note, self.is_problem = note, is_problem

    def _received(self, _: Any, content: Any, buffers: Any) -> None:
        value = content.get("value") if isinstance(content, dict) else None
        if isinstance(value, str):
            # Older kernels deliver the event in another thread.
            self._loop.call_soon_threadsafe(self._take, value, bool(content.get("left")))

    def _take(self, value: str, is_left: bool) -> None:
        if value != self.value:
            self.value = value
            self._changed()
        if is_left:
            self._left()
