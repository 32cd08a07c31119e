"""A field for a secret, whose value is in no widget's state.

What is typed stays in the browser until the button is pressed; then it goes to the kernel in one
message, and the field is empty again. It is never a trait, so it is neither in the widget's state
nor in a saved notebook.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import anywidget
import traitlets

from bcrunbook.notebook.tasks import Tasks
from bcrunbook.secrets import Secret

Take = Callable[[Secret], Awaitable[str]]

_ESM: Final = """
function render({ model, el }) {
  const id = "bcr-" + Math.random().toString(36).slice(2);
  const label = document.createElement("label");
  label.htmlFor = id;
  label.textContent = model.get("label");
  const input = document.createElement("input");
  Object.assign(input, { id, type: "password", autocomplete: "off", spellcheck: false });
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = model.get("action");
  const status = document.createElement("div");
  status.setAttribute("role", "status");
  status.textContent = model.get("status");
  const send = () => {
    if (input.value) model.send({ value: input.value });
    input.value = "";
  };
  button.addEventListener("click", send);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") send();
  });
  model.on("change:status", () => { status.textContent = model.get("status"); });
  el.classList.add("bcr-secret");
  el.append(label, input, button, status);
}
export default { render };
"""


class SecretField(anywidget.AnyWidget):
    """A field and a button.

    Args:
        label: what is asked for.
        action: what the button says.
        take: takes the secret and returns what to say about it; does not raise.
    """

    _esm = _ESM
    label = traitlets.Unicode().tag(sync=True)
    action = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, action: str, take: Take) -> None:
        super().__init__(label=label, action=action)
        self._take = take
        self._tasks = Tasks()
        self.on_msg(self._received)

    def _received(self, _: Any, content: Any, buffers: Any) -> None:
        value = content.get("value") if isinstance(content, dict) else None
        if isinstance(value, str) and value.strip():
            self._tasks.begin(partial(self._handle, Secret(value.strip())))

    async def _handle(self, secret: Secret) -> None:
        self.status = "Checking it."
        self.status = await self._take(secret)
