// A widget whose kernel is no more is dead: it loads for ever, or looks as if it could be clicked.
// Beside it stands the same as HTML, made when it was shown; that is shown in its place.

export const WIDGET = "application/vnd.jupyter.widget-view+json";
export const HTML = "text/html";

export class WidgetRecords {
  constructor(model, opened) {
    this.model = model;
    this.change = (work) => opened.quietly(work);
    // What was saved by another kernel. What comes later may be alive.
    this.opened = new Set(this.outputs().map(({ area, index }) => area.get(index)));
  }

  outputs() {
    const found = [];
    for (const cell of this.model.cells) {
      if (cell.type !== "code") continue;
      for (let index = 0; index < cell.outputs.length; index++) {
        const { data } = cell.outputs.get(index);
        if (data && WIDGET in data && HTML in data) found.push({ area: cell.outputs, index });
      }
    }
    return found;
  }

  // Which widgets are shown, as a text to compare.
  ids() {
    return this.outputs()
      .map(({ area, index }) => area.get(index).data[WIDGET].model_id)
      .join();
  }

  // Those that were there when the notebook was opened.
  showOpened() {
    if (this.opened.size) this.show((output) => this.opened.has(output));
    this.forget();
  }

  showAll() {
    this.show(() => true);
    this.forget();
  }

  forget() {
    this.opened.clear();
  }

  show(isDead) {
    const dead = this.outputs().filter(({ area, index }) => isDead(area.get(index)));
    this.change(() => {
      for (const { area, index } of dead) {
        const output = area.get(index).toJSON();
        const { [WIDGET]: _, ...data } = output.data;
        area.set(index, { ...output, data });
      }
    });
  }
}
