// The browser tab's own title tells what waits, for who looks at another tab.

const AHEAD = /^\((?:\d+ min|your click|not seen yet)\) /;

export class TabTitle {
  constructor() {
    this.ahead = "";
    // JupyterLab names the tab anew whenever another document is in front.
    new MutationObserver(() => this.put()).observe(document.head, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  }

  show(wait) {
    if (!wait) this.ahead = "";
    else if (wait.kind === "click") this.ahead = "(your click) ";
    else if (wait.kind === "ended") this.ahead = "(not seen yet) ";
    else this.ahead = wait.minutes === null ? "" : `(${wait.minutes} min) `;
    this.put();
  }

  put() {
    const title = this.ahead + document.title.replace(AHEAD, "");
    if (title !== document.title) document.title = title;
  }
}
