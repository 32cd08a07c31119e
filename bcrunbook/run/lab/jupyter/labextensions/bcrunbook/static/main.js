// The bar is there before JupyterLab is, and stays where it is: above it.

import { Bar } from "./bar.js";
import { Notebooks } from "./notebooks.js";
import { TabTitle } from "./tab_title.js";
import * as server from "./server.js";

const LOOK_MS = 1000; // while the page is seen
const GLANCE_MS = 5000; // while it is not

function link(address) {
  const sheet = document.createElement("link");
  Object.assign(sheet, { rel: "stylesheet", href: server.address(address) });
  document.head.append(sheet);
}

// Before JupyterLab says which notebook is in front, the address does.
function notebookOfAddress() {
  const found = /\/tree\/(.+\.ipynb)$/.exec(decodeURIComponent(location.pathname));
  return { notebook: found ? found[1] : "", kernel: "" };
}

class Watch {
  constructor() {
    this.notebooks = null;
    this.timer = 0;
    this.asked = 0;
    this.shown = { version: "" };
    this.title = new TabTitle();
    this.bar = new Bar({
      choose: (what, name) => this.choose(what, name),
      goTo: (wait) => this.notebooks?.goTo(wait),
      runAll: () => this.notebooks?.runAll(),
      open: (path) => this.notebooks?.open(path),
    });
    document.addEventListener("visibilitychange", () => this.look());
  }

  front() {
    return this.notebooks ? this.notebooks.front() : notebookOfAddress();
  }

  async look() {
    clearTimeout(this.timer);
    const number = ++this.asked;
    const front = this.front();
    let answer;
    try {
      answer = await server.bar(front, this.shown.version);
    } catch {
      answer = { failed: true };
    }
    if (number !== this.asked) return; // somebody has asked again meanwhile
    if (answer?.failed) {
      this.bar.lose();
      this.shown = { version: "" };
    } else if (answer) {
      this.shown = answer;
      this.bar.show(answer, front);
      this.title.show(answer.waits[0]);
    }
    if (!answer?.failed) this.notebooks?.told(front, this.shown);
    this.bar.tellWhetherRun(this.shown, this.notebooks?.state());
    this.timer = setTimeout(() => this.look(), document.hidden ? GLANCE_MS : LOOK_MS);
  }

  async choose(what, name) {
    const refused = await server.choose(what, name, this.front());
    this.shown = { version: "" };
    await this.look();
    this.bar.say(refused);
  }
}

link("bcrunbook/static/bar.css");
link("bcrunbook/style.css");
const watch = new Watch();
watch.look();

export async function plugin(shared) {
  const module = async (name) => (await Object.values(shared[name])[0].get())();
  const { INotebookTracker } = await module("@jupyterlab/notebook");
  return {
    id: "bcrunbook:bar",
    description: "The bar above the notebooks.",
    autoStart: true,
    requires: [INotebookTracker],
    activate: (app, tracker) => {
      watch.notebooks = new Notebooks(app, tracker, () => watch.look());
      app.started.then(() => watch.bar.settle());
    },
  };
}
