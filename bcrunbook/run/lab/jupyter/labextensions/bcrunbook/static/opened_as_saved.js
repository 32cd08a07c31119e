// JupyterLab notes in a notebook what its kernel says of Python, and takes it for changed then.
// Who has only opened one has changed nothing.

function content(model) {
  const { metadata, cells } = model.toJSON();
  const { kernelspec: _, language_info: __, ...kept } = metadata;
  return JSON.stringify([kept, cells]);
}

export class OpenedAsSaved {
  constructor(panel) {
    const { model } = panel;
    const saved = content(model);
    const look = () => {
      if (!model.dirty) return;
      if (content(model) === saved) model.dirty = false;
      else model.stateChanged.disconnect(look);
    };
    model.stateChanged.connect(look);
    look();
  }
}
