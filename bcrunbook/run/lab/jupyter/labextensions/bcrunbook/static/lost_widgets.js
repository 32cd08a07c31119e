// A page that is loaded again asks the kernel for its widgets. Where the kernel is slow, or at that
// moment knows less than it shows, JupyterLab says "Loading widget..." or shows an error, and stays
// so. Here the same stands as HTML meanwhile, and the kernel is asked again until all are there.

import { HTML, WIDGET } from "./widget_records.js";

const LOOK_MS = 1000;
const ASK_AGAIN_MS = 3000;
const JUPYTERLABS_OWN_MS = 15000; // what it has not restored by then it never will
const SOON = "What can be clicked here comes back as soon as the kernel answers.";

// What JupyterLab's widget manager has nothing else for than what it shows.
function isLoading(renderer) {
  return renderer.node.textContent === "Loading widget...";
}

function isBroken(renderer) {
  return renderer.node.textContent.startsWith("Error displaying widget");
}

export class LostWidgets {
  constructor(panel) {
    this.panel = panel;
    this.waiting = new WeakSet(); // renderers that were loading at the look before
    this.records = new Map(); // of a renderer what stands in its place
    this.askedAt = 0;
    this.lostSince = 0;
    this.isAsking = false;
    this.timer = 0;
  }

  // Called while the notebook's kernel is the one that has shown all this; goes on by itself.
  look() {
    if (this.panel.isDisposed) return;
    const shown = this.shown();
    const lost = shown.filter((one) => this.isLost(one.renderer));
    if (lost.length || shown.some((one) => isLoading(one.renderer))) this.lookSoon();
    const renderers = new Set(lost.map((one) => one.renderer));
    for (const renderer of [...this.records.keys()]) {
      if (!renderers.has(renderer)) this.showWidget(renderer);
    }
    for (const one of lost) this.showRecord(one);
    this.lostSince = lost.length ? this.lostSince || Date.now() : 0;
    if (lost.length && !this.isAsking && Date.now() - this.askedAt > ASK_AGAIN_MS) this.ask(lost);
  }

  // Not only when the server has answered: it may be as slow as the kernel.
  lookSoon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.look();
    }, LOOK_MS);
  }

  // What is shown by widgets, as far as JupyterLab has laid it out.
  shown() {
    const found = [];
    for (const cell of this.panel.content.widgets) {
      for (const [index, row] of (cell.outputArea?.widgets ?? []).entries()) {
        const output = cell.model.outputs.get(index);
        const renderer = row.widgets?.find((one) => "_manager" in one && one.renderModel);
        if (renderer && output?.data[WIDGET]?.model_id) found.push({ row, renderer, output });
      }
    }
    return found;
  }

  isLost(renderer) {
    if (renderer.widgets.length) return false;
    if (isBroken(renderer)) return true;
    if (!isLoading(renderer)) return false;
    const wasWaiting = this.waiting.has(renderer);
    this.waiting.add(renderer);
    return wasWaiting;
  }

  showRecord({ row, renderer, output }) {
    if (this.records.has(renderer) || !(HTML in output.data)) return;
    const { rendermime } = this.panel.content;
    const { trusted } = output;
    const record = rendermime.createRenderer(HTML);
    record.renderModel(rendermime.createModel({ data: { [HTML]: output.data[HTML] }, trusted }));
    const place = document.createElement("div");
    place.className = "jp-OutputArea-output bcr-record";
    const note = document.createElement("p");
    note.setAttribute("role", "status");
    note.textContent = SOON;
    place.append(record.node, note);
    row.node.append(place);
    renderer.node.hidden = true;
    this.records.set(renderer, { place, record });
  }

  showWidget(renderer) {
    const { place, record } = this.records.get(renderer);
    this.records.delete(renderer);
    place.remove();
    record.dispose();
    renderer.node.hidden = false;
  }

  async ask(lost) {
    this.isAsking = true;
    try {
      const manager = await lost[0].renderer._manager.promise;
      const isPatient = Date.now() - this.lostSince < JUPYTERLABS_OWN_MS;
      if (manager._kernelRestoreInProgress && isPatient) return;
      this.forgetUnfinished(manager);
      await manager.restoreWidgets(this.panel.model, { loadKernel: true, loadNotebook: false });
      for (const { renderer, output } of lost) {
        const isThere = manager.has_model(output.data[WIDGET].model_id);
        if (isThere && !renderer.isDisposed && isBroken(renderer)) {
          await renderer.renderModel(output);
        }
      }
    } finally {
      this.askedAt = Date.now();
      this.isAsking = false;
      this.look();
    }
  }

  // A connection that came to no model stands in the way of the next to the same widget.
  forgetUnfinished(manager) {
    const comms = this.panel.sessionContext.session?.kernel?._comms ?? new Map();
    for (const comm of [...comms.values()]) {
      const isWidgets = comm.targetName === manager.comm_target_name;
      if (isWidgets && !manager.has_model(comm.commId)) comm.dispose();
    }
  }
}
