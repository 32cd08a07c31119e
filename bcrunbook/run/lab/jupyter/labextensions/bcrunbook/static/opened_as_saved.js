// JupyterLab notes in a notebook what its kernel says of Python, and takes it for changed then.
// Who has only opened one has changed nothing.

function content(model) {
  const { metadata, cells } = model.toJSON();
  const { kernelspec: _, language_info: __, ...kept } = metadata;
  return JSON.stringify([kept, cells]);
}

export class OpenedAsSaved {
  constructor(model) {
    this.model = model;
    this.saved = content(model);
    this.isChanging = false;
    model.stateChanged.connect(() => this.look());
    this.look();
  }

  look() {
    if (this.saved === null || this.isChanging || !this.model.dirty) return;
    if (content(this.model) === this.saved) this.model.dirty = false;
    else this.saved = null; // from now on, changed is what JupyterLab takes for changed
  }

  // Change something that a person has not changed.
  quietly(change) {
    const { dirty } = this.model;
    this.isChanging = true;
    change();
    this.model.dirty = dirty;
    this.isChanging = false;
    if (this.saved !== null) this.saved = content(this.model);
  }
}
