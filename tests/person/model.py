"""Somebody at a notebook who does anything in any order, and what has to hold all the while.

The judge sees what a page sees (displays and the state of widgets) and what the cloud was asked
to do; it does not ask the program what it thinks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from bcrunbook.accounts import Workspace
from bcrunbook.order import ENABLE_INTEGRATION, REGISTER_APPLICATION
from bcrunbook.rehearsal import RehearsalDescription
from tests.conftest import lay_out, requests_of
from tests.notebook.interactive_session import InteractiveSession
from tests.support.independent_client import IndependentClient
from tests.support.portal import set_enabled

KINDS: Final = {"first": "trial", "second": "production"}
OPEN: Final = (
    "from bcrunbook.notebook import open_step\n"
    "step = await open_step({step!r}, account={account!r}, mode='auto', workspace={root!r})\n"
    "step"
)
CELLS: Final = (
    "await step.examine()",
    "step.plan()",
    "await step.apply()",
    "step.check()",
    "await step.outcome()",
)
LENGTH: Final = (4, 10)
"""How many things somebody does."""
QUIET: Final = 0.2
"""Seconds without a word from the kernel, after which nothing more is expected."""
GUARD: Final = "Production: type "
NAME: Final = "Application's name"


IPYKERNELS: Final = ("No such comm", "frozen", "ebugger", "PYDEVD")
"""What ipykernel itself says: of a page's question for the widgets, which it answers, and when it
starts."""


class Broken(AssertionError):
    """Something that has to hold does not."""


@dataclass
class Screens:
    """The pages that look at the kernel: one at first, perhaps a second one."""

    pages: list[InteractiveSession]

    @property
    def all(self) -> str:
        """Everything that can be read on any of them."""
        return "\n".join(
            page.read(data)
            for page in self.pages
            for data in page.displays.values()
            if _is_alive(page, data)
        )


def _is_alive(page: InteractiveSession, data: dict[str, Any]) -> bool:
    view = data.get("application/vnd.jupyter.widget-view+json")
    return view is None or view["model_id"] in page.state


class Person:
    """Somebody at one notebook of a workspace of their own.

    Args:
        folder: where the workspace goes.
        cloud: the rehearsal cloud.
        page: a page on a kernel.
        draw: what decides what is done.
    """

    def __init__(
        self,
        folder: Path,
        cloud: RehearsalDescription,
        page: InteractiveSession,
        draw: Random,
    ) -> None:
        self.did: list[str] = []
        """What was done so far, in words."""
        self._cloud = cloud
        self._draw = draw
        self._screens = Screens([page])
        self._kinds = {f"{role}{draw.randrange(10**9):09d}": kind for role, kind in KINDS.items()}
        self._first, self._other = self._kinds
        self._step = draw.choice([REGISTER_APPLICATION, REGISTER_APPLICATION, ENABLE_INTEGRATION])
        self._workspace: Workspace = lay_out(
            folder,
            cloud,
            {
                name: {"kind": kind, "application": f"Books {name}"}
                for name, kind in self._kinds.items()
            },
        )
        self._is_open = False
        self._writes = self._count()

    @property
    def _opening(self) -> str:
        root = str(self._workspace.root)
        return OPEN.format(step=self._step, account=self._first, root=root)

    @property
    def _page(self) -> InteractiveSession:
        return self._draw.choice(self._screens.pages)

    # What somebody can do

    def leave(self) -> None:
        """Close what was opened beside the first page."""
        while len(self._screens.pages) > 1:
            self._screens.pages.pop().leave()

    def live(self) -> None:
        """Do some things, look after each whether all is well, and finish the step."""
        self.open()
        doings = [
            *[self.cell] * 5,
            *[self.click] * 5,
            *[self.edit] * 2,
            self.run_all,
            self.open,
            self.switch,
            self.choose_elsewhere,
            self.reload,
            self.second_page,
            self.restart,
            self.interrupt,
            self.click_what_is_old,
        ]
        for _ in range(self._draw.randint(*LENGTH)):
            self._draw.choice(doings)()
            self._look()
        self.finish()

    def _say(self, what: str) -> None:
        self.did.append(what)

    def open(self) -> None:
        """Run the cell that opens the step."""
        self._say("open")
        self._run(self._opening)
        self._is_open = True

    def cell(self) -> None:
        """Run any cell."""
        cell = self._draw.choice(CELLS)
        self._say(cell)
        self._run(cell)

    def run_all(self) -> None:
        """Run all cells."""
        self._say("run all")
        self._run(self._opening)
        for cell in CELLS:
            self._run(cell)

    def click(self) -> None:
        """Click one of the buttons that can be clicked."""
        page = self._page
        open_now = page.open_buttons(self._on_screen(page))
        if not open_now:
            return
        label = self._draw.choice(open_now)
        self._say(f"click {label}")
        self._click(page, label)

    def click_what_is_old(self) -> None:
        """Click a button that was there some time ago, as a page that is behind would."""
        page = self._page
        labels = [
            comm
            for comm, one in page.state.items()
            if one.get("_model_name") == "ButtonModel"
            and "Apply" in str(one.get("description"))
            and comm not in self._on_screen(page)
        ]
        if labels:
            self._say("click an Apply that is not there any more")
            page.press(self._draw.choice(labels))
            page.sync()
            self._settle()

    def _click(self, page: InteractiveSession, label: str) -> None:
        is_apply = label.startswith("Apply")
        screen, before = self._screens.all, self._applications() if is_apply else {}
        page.click(label)
        for _ in range(3):
            # Once for the click, then for what it wakes.
            page.sync()
        self._settle()
        if is_apply:
            self._judge_writes(label, screen, before)

    def edit(self) -> None:
        """Type into a field, and perhaps leave it."""
        page = self._page
        fields = [label for label in (NAME, GUARD) if page.fields(label) & self._on_screen(page)]
        if not fields:
            return
        label = self._draw.choice(fields)
        text = {
            NAME: f"Books {self._draw.choice(list(self._kinds))} {self._draw.random():.3f}",
            GUARD: self._draw.choice(list(self._kinds)),
        }[label]
        if self._draw.random() < 0.15:
            text = "x" * 200
        leaves = self._draw.random() < 0.6
        self._say(f"type {text!r} into {label}{' and leave it' if leaves else ''}")
        (page.fill if leaves else page.type)(label, text)
        page.sync()
        self._settle()

    def switch(self) -> None:
        """Choose another account in the notebook."""
        page = self._page
        if not page.fields("Account") & self._on_screen(page):
            return
        name = self._draw.choice(list(self._kinds))
        self._say(f"choose {name}")
        page.choose("Account", name)
        self._until(lambda: self._told().get("account") == name, "the kernel follows")
        self._settle()

    def choose_elsewhere(self, name: str = "") -> None:
        """Choose another account in another notebook."""
        name = name or self._draw.choice(list(self._kinds))
        self._say(f"choose {name} elsewhere")
        folder = self._workspace.root / ".bcrunbook"
        folder.mkdir(exist_ok=True)
        (folder / "chosen.json").write_text(json.dumps({"account": {self._first: name}}), "utf-8")
        if self._is_open and self._told():
            self._until(lambda: self._told().get("account") == name, "the kernel follows")
        self._settle()

    def reload(self) -> None:
        """Load a page again: it shows what it showed."""
        page = self._page
        self._say("reload")
        # What was typed is followed by a new plan in its own time.
        give_up = time.monotonic() + 10 * QUIET
        while any(one.hear(QUIET) for one in self._screens.pages) and time.monotonic() < give_up:
            pass
        before = self._screens.all
        page.reload()
        for data in page.displays.values():
            if _is_alive(page, data):
                page.read(data)
        if self._screens.all != before and not self._told().get("attention", {}).get("kind"):
            then = self._screens.all
            at = next((n for n, (a, b) in enumerate(zip(before, then, strict=False)) if a != b), 0)
            raise Broken(
                "a page that is loaded again shows something else:"
                f" {before[at - 60 : at + 200]!r} and {then[at - 60 : at + 200]!r}"
            )

    def second_page(self) -> None:
        """Open the notebook in a second page."""
        if len(self._screens.pages) > 1:
            return
        self._say("second page")
        page = self._screens.pages[0].another()
        page.displays |= self._screens.pages[0].displays
        page.reload()
        self._screens.pages.append(page)

    def restart(self) -> None:
        """Restart the kernel, and run all; a second page is closed."""
        self._say("restart")
        self.leave()
        self._screens.pages[0].restart()
        self._is_open = False
        self.run_all()

    def interrupt(self) -> None:
        """Press the stop button."""
        self._say("stop")
        self._page.interrupt()
        self._page.sync()
        self._settle()

    def finish(self) -> None:
        """Do what the step wants, and nothing else."""
        self._say("finish")
        page = self._screens.pages[0]
        if self._step == ENABLE_INTEGRATION:
            # The other one has no API key, by which a look would show it.
            self.choose_elsewhere(self._first)
        self.run_all()
        if self._step == ENABLE_INTEGRATION:
            set_enabled(self._cloud, on=True)
        give_up = time.monotonic() + 60
        while True:
            for one in self._screens.pages:
                one.hear(0.02)
            told = self._told()
            kind = told["attention"]["kind"]
            if kind == "click":
                self._answer(page)
            elif kind == "person":
                page.sync()
                if page.is_open("Look now"):
                    page.click("Look now")
                    page.sync()
            elif kind == "":
                break
            if time.monotonic() > give_up:
                raise Broken(f"the step cannot be finished: {told}")
        self._look()
        state = page.outcome()["state"]
        if self._step == ENABLE_INTEGRATION:
            set_enabled(self._cloud, on=False)
        if state not in ("done", "changed"):
            raise Broken(f"the step ends as {state}")

    def _answer(self, page: InteractiveSession) -> None:
        if self._told()["is_production"] and page.fields(GUARD) & self._on_screen(page):
            page.fill(GUARD, self._other)
            page.sync()
        # What was typed and not left holds the question up: leave it.
        if page.fields(NAME) & self._on_screen(page) and not page.is_open("Apply"):
            page.fill(NAME, f"Books {self._told()['account']}")
            page.sync()
            self._settle()
        if page.is_open("Apply"):
            label = page.label("Apply")
            self._click(page, label)

    # What has to hold

    def _look(self) -> None:
        for page in self._screens.pages:
            while page.hear(0.0) is not None:
                pass
            for heard in page.traffic:
                if heard["msg_type"] == "error":
                    raise Broken("\n".join(heard["content"]["traceback"]))
            said = [
                one["content"]["text"]
                for one in page.traffic
                if one["msg_type"] == "stream"
                and not any(theirs in one["content"]["text"] for theirs in IPYKERNELS)
            ]
            if said:
                raise Broken("\n".join(said))
            page.traffic.clear()
        if self._count() != self._writes:
            raise Broken("something was written without a click")
        told = self._told()
        if told:
            label = told["account_label"]
            bars = [
                page.read(data)
                for page in self._screens.pages
                for data in page.displays.values()
                if _is_alive(page, data) and "Mode" in page.read(data)
            ]
            if any(f"<b>{label}</b>" not in one for one in bars):
                texts = [re.sub("<style>.*</style>", "", one, flags=re.DOTALL) for one in bars]
                raise Broken(f"the kernel is on {label}, and a bar says: {texts}")

    def _judge_writes(
        self, label: str, screen: str, before: dict[str, dict[str, Any] | None]
    ) -> None:
        after = self._applications()
        changed = [name for name in self._kinds if after[name] != before[name]]
        wrote = self._count() != self._writes
        self._writes = self._count()
        if any(f"({name})" not in label for name in changed):
            raise Broken(f"{changed} was changed by {label!r}")
        for name in changed:
            made = after[name]
            if made is not None and str(made["displayName"]) not in screen:
                raise Broken(f"{made['displayName']} was made, and stood on no screen")
        if changed and not wrote:
            raise Broken("something changed that was not asked for")

    def _applications(self) -> dict[str, dict[str, Any] | None]:
        client = IndependentClient(self._cloud)
        try:
            found = {name: client.applications(name) for name in self._kinds}
            return {name: apps[0] if apps else None for name, apps in found.items()}
        finally:
            client.http.close()

    def _count(self) -> int:
        made = requests_of(self._cloud)
        return sum(one["method"] != "GET" and "$batch" not in one["path"] for one in made)

    # Plumbing

    def _on_screen(self, page: InteractiveSession) -> set[str]:
        return {
            comm
            for data in page.displays.values()
            if _is_alive(page, data)
            for comm in page.widgets_in(data)
        }

    def _run(self, cell: str) -> None:
        self._page.run(cell)
        self._settle()

    def _told(self) -> dict[str, Any]:
        """What the kernel has written of itself."""
        files = list((self._workspace.root / ".bcrunbook" / "sessions").glob("*.json"))
        if not files:
            return {}
        newest = max(files, key=lambda one: one.stat().st_mtime_ns)
        return dict(json.loads(newest.read_text("utf-8")))

    def _settle(self) -> None:
        """Wait while something is being done, and until every page has heard of it."""
        self._until(lambda: self._told().get("attention", {}).get("kind") != "working", "work ends")
        for page in self._screens.pages:
            page.sync()

    def _until(self, seen: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not seen():
            if time.monotonic() > deadline:
                raise Broken(f"not within 30 s: {what}; {self._told()}")
            for page in self._screens.pages:
                page.hear(0.02)
