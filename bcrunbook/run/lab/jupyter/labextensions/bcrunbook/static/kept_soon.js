// A page that is loaded again shows what is in the file. JupyterLab saves every few seconds; what
// somebody was shown, and left at once, would be gone, and its question out of sight.

const SOON_MS = 250;

// JupyterLab takes a file that it is just saving itself for one that somebody else has changed, and
// asks what to do: so one save waits for the other. And whatever is shown while it saves counts as
// saved with it, and would never be: so it is said to be unsaved.
function oneAfterTheOther(context) {
  const save = context.save.bind(context);
  let last = Promise.resolve();
  const next = async () => {
    let isBehind = false;
    const note = () => {
      isBehind = true;
    };
    context.model.contentChanged.connect(note);
    try {
      await save();
    } finally {
      context.model.contentChanged.disconnect(note);
      if (isBehind) context.model.dirty = true;
    }
  };
  context.save = () => {
    last = last.catch(() => {}).then(next);
    return last;
  };
}

export class KeptSoon {
  constructor(panel, records) {
    this.context = panel.context;
    oneAfterTheOther(this.context);
    this.records = records;
    this.kept = records.ids();
    this.timer = 0;
    panel.model.contentChanged.connect(() => this.changed());
  }

  changed() {
    this.timer ||= setTimeout(() => this.keep(), SOON_MS);
  }

  // Only where another widget is shown than before: what widgets show is not in the file.
  async keep() {
    this.timer = 0;
    if (this.context.isDisposed || this.context.model.readOnly) return;
    const ids = this.records.ids();
    if (ids === this.kept) return;
    this.kept = ids;
    await this.context.save();
  }
}
