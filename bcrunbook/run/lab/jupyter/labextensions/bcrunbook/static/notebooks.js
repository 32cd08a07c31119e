// What the bar has to know and to do about the notebooks that JupyterLab shows.

import { KeptSoon } from "./kept_soon.js";
import { LostWidgets } from "./lost_widgets.js";
import { OpenedAsSaved } from "./opened_as_saved.js";
import * as server from "./server.js";
import { WidgetRecords } from "./widget_records.js";

const RUN_AND_ADVANCE = "notebook:run-cell-and-select-next";

export class Notebooks {
  constructor(app, tracker, changed) {
    this.app = app;
    this.tracker = tracker;
    this.changed = changed;
    this.records = new WeakMap();
    this.lost = new WeakMap();
    this.appended = null;
    this.begun = new WeakSet(); // notebooks whose cells a link to the next step has run
    tracker.widgetAdded.connect((_, panel) => this.added(panel));
    tracker.forEach((panel) => this.added(panel));
    tracker.currentChanged.connect(() => changed());
    // A widget's links are the browser's: it would leave JupyterLab for them.
    document.addEventListener("click", (event) => this.follow(event), true);
    app.commands.commandExecuted.connect((_, { id }) => {
      if (id === RUN_AND_ADVANCE) this.dropAppended();
    });
  }

  front() {
    const panel = this.tracker.currentWidget;
    return {
      notebook: panel?.context.path ?? "",
      kernel: panel?.sessionContext.session?.kernel?.id ?? "",
    };
  }

  // Whether anything can be said about the notebook in front.
  state() {
    const panel = this.tracker.currentWidget;
    if (!panel?.context.isReady || !panel.model) return null;
    const cells = [...panel.model.cells].filter((cell) => cell.type === "code");
    return {
      isIdle: panel.sessionContext.session?.kernel?.status === "idle",
      hasOutputs: cells.some((cell) => cell.outputs.length > 0),
    };
  }

  async added(panel) {
    await panel.context.ready;
    if (panel.isDisposed) return;
    const records = new WidgetRecords(panel.model, new OpenedAsSaved(panel.model));
    this.records.set(panel, records);
    this.lost.set(panel, new LostWidgets(panel));
    new KeptSoon(panel, records);
    panel.model.cells.changed.connect((cells, change) => this.noteAppended(panel, cells, change));
    panel.sessionContext.statusChanged.connect((_, status) => {
      // Whatever a cell shows is from the kernel before.
      if (status === "restarting" || status === "autorestarting") records.showAll();
      this.changed();
    });
    panel.sessionContext.kernelChanged.connect(() => this.changed());
    this.changed();
  }

  // The server has told of the notebook in front.
  told(front, shown) {
    const panel = this.tracker.currentWidget;
    const now = this.front();
    if (!panel || now.notebook !== front.notebook || now.kernel !== front.kernel) return;
    if (!front.kernel || !shown.is_ours) return;
    const records = this.records.get(panel);
    if (shown.has_run) {
      records?.forget();
      this.lost.get(panel)?.look();
    } else records?.showOpened();
  }

  follow(event) {
    const link = event.target.closest?.(".jp-OutputArea .bcr a");
    const path = link?.getAttribute("href") ?? "";
    const folder = this.tracker.currentWidget?.context.path.replace(/[^/]*$/, "");
    if (!/^[^/:]+\.ipynb$/.test(path) || folder === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const go = link.classList.contains("next") ? this.goOn : this.open;
    this.answer(link, go.call(this, `${folder}${path}`));
  }

  // Opening a notebook takes a moment: the link says at once that it was heard.
  async answer(link, work) {
    link.classList.add("opening");
    try {
      await work;
    } finally {
      link.classList.remove("opening");
    }
  }

  // The next step: what is there is looked at without another click. Whoever has run its cells, or
  // has set it to apply without a question, runs them as they wish.
  async goOn(path) {
    const panel = await this.open(path);
    if (!panel || this.begun.has(panel)) return;
    this.begun.add(panel);
    await panel.context.ready;
    await panel.sessionContext.ready;
    const front = this.front();
    // The server reads the file, so what stands in it has to be what is shown.
    if (front.notebook !== path || panel.model.dirty || !(await server.asksFirst(path))) return;
    const told = await server.bar(front, "");
    if (told.is_ours && !told.has_run && this.tracker.currentWidget === panel) await this.runAll();
  }

  async open(path) {
    return this.app.commands.execute("docmanager:open", { path });
  }

  async runAll() {
    const panel = this.tracker.currentWidget;
    if (panel) this.app.shell.activateById(panel.id);
    await this.app.commands.execute("notebook:run-all-cells");
    this.changed();
  }

  // To the cell that waits, so that its first button is under the Enter key.
  async goTo(wait) {
    const panel = wait.is_here ? this.tracker.currentWidget : await this.open(wait.path);
    if (!panel) return;
    await panel.context.ready;
    const { content } = panel;
    const index = content.widgets.findIndex((cell) =>
      cell.model.sharedModel.getSource().includes(`step.${wait.verb}(`),
    );
    if (index < 0) return;
    this.app.shell.activateById(panel.id);
    content.activeCellIndex = index;
    content.mode = "command";
    await content.scrollToItem(index, "center");
    const cell = content.widgets[index].node;
    const first = cell.querySelector(
      ".jp-Cell-outputWrapper :is(input, select, textarea, button):not(:disabled)",
    );
    (first ?? cell).scrollIntoView({ block: "center" });
    first?.focus({ preventScroll: true });
  }

  // Running the last cell appends an empty one, which nobody wants in a notebook of ours.
  noteAppended(panel, cells, change) {
    if (change.type !== "add" || change.newIndex !== cells.length - 1) return;
    this.appended = panel;
    queueMicrotask(() => {
      this.appended = null; // only what the command has done by itself
    });
  }

  dropAppended() {
    const panel = this.appended;
    this.appended = null;
    if (!panel) return;
    const { content, model } = panel;
    const last = model.cells.length - 1;
    if (last < 1 || model.cells.get(last).sharedModel.getSource()) return;
    model.sharedModel.deleteCell(last);
    content.activeCellIndex = last - 1;
    content.mode = "command";
  }
}
