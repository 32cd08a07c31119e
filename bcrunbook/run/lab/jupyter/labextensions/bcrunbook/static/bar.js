// The bar itself: one line above everything, built once and changed where something has changed.

const WAITS = {
  click: (wait) => `Waiting for you: ${wait.text}`,
  ended: (wait) => `Not seen yet. ${wait.text}`,
  person: (wait) => wait.text,
  working: (wait) => wait.text,
};
const NOT_RUN = "Nothing has run yet.";
const NOT_RUN_HERE = "This notebook's cells have not run in this kernel.";
const GUID = /\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const LOST = "JupyterLab's server does not answer: what is shown here may be old.";

function make(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function button(text, press) {
  const made = make("button", "", text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

// A list to choose from, with its label before it.
function picker(label, choose) {
  const row = make("span", "bcr-picker");
  const list = document.createElement("select");
  list.id = `bcrunbook-${label.toLowerCase()}`;
  const name = make("label", "", label);
  name.htmlFor = list.id;
  list.addEventListener("change", () => choose(list.value));
  // What JupyterLab does by keys is not meant here.
  list.addEventListener("keydown", (event) => event.stopPropagation());
  row.append(name, list);
  let before = "";
  const show = (told, locked) => {
    row.hidden = !told?.options.length;
    if (row.hidden) return;
    const options = JSON.stringify(told.options);
    if (options !== before) {
      list.replaceChildren(...told.options.map(([name, text]) => new Option(text, name)));
      before = options;
    }
    list.value = told.name;
    list.disabled = Boolean(locked);
    row.title = locked;
  };
  return { row, show };
}

export class Bar {
  constructor(does) {
    this.does = does;
    this.node = make("div");
    this.node.id = "bcrunbook-bar";
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Account and what waits");
    this.marks = make("span", "bcr-marks");
    this.account = picker("Account", (name) => does.choose("account", name));
    this.customer = picker("Customer", (name) => does.choose("customer", name));
    this.facts = make("span", "bcr-facts");
    this.way = button("Steps", () => this.unfold(this.panel.hidden));
    this.way.className = "bcr-way";
    this.way.setAttribute("aria-expanded", "false");
    this.way.setAttribute("aria-controls", "bcrunbook-way");
    this.panel = make("div", "bcr bcr-panel");
    Object.assign(this.panel, { id: "bcrunbook-way", hidden: true });
    this.panel.addEventListener("click", (event) => this.follow(event));
    this.waits = make("span", "bcr-waits");
    this.waits.setAttribute("role", "status");
    this.said = make("span", "bcr-said");
    this.said.setAttribute("role", "alert");
    this.shownWaits = "";
    this.hasNotRun = "";
    for (const one of [this.account.row, this.customer.row, this.way]) one.hidden = true;
    const line = make("div", "bcr-line");
    line.append(this.marks, this.account.row, this.customer.row, this.facts, this.way);
    line.append(this.waits, this.said);
    this.node.append(line, this.panel);
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.panel.hidden) return;
      this.unfold(false);
      this.way.focus();
    });
    document.body.prepend(this.node);
    new ResizeObserver(() => this.makeRoom()).observe(line);
  }

  // JupyterLab is there: it begins below the bar from now on.
  settle() {
    this.node.classList.add("bcr-settled");
    this.makeRoom();
  }

  makeRoom() {
    const height = `${this.node.offsetHeight}px`;
    const root = document.documentElement;
    if (root.style.getPropertyValue("--bcr-bar") === height) return;
    root.style.setProperty("--bcr-bar", height);
    window.dispatchEvent(new Event("resize")); // upon which JupyterLab takes the room there is
  }

  show(told) {
    this.node.classList.toggle("bcr-production", told.is_production);
    const marks = [];
    if (told.is_rehearsal) marks.push(make("b", "bcr-rehearsal", "REHEARSAL"));
    if (told.is_production) marks.push(make("b", "bcr-live", "PRODUCTION"));
    this.marks.replaceChildren(...marks);
    this.marks.title = told.is_rehearsal ? "Nothing real is touched" : "";
    this.account.show(told.account, told.locked);
    this.customer.show(told.customer, told.locked);
    const facts = [
      ["", told.behind],
      ["Tenant", told.tenant],
      ["Signed in as", told.signed_in],
      ["Mode", told.mode],
    ];
    this.facts.replaceChildren(...facts.filter(([, text]) => text).map(fact));
    this.way.hidden = !told.way_html;
    this.way.textContent = told.way_line;
    this.way.title = told.way_line;
    if (this.panel.innerHTML !== told.way_html) this.panel.innerHTML = told.way_html;
    this.say(told.problem);
    this.showWaits(told.waits);
  }

  // Why something is not as it should be; nothing takes it away.
  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }

  lose() {
    this.say(LOST);
  }

  showWaits(waits) {
    const now = JSON.stringify([waits, this.hasNotRun]);
    if (now === this.shownWaits) return;
    this.shownWaits = now;
    const rows = waits.map((wait) => {
      const row = make("span", `bcr-wait bcr-${wait.kind}`, WAITS[wait.kind](wait));
      row.append(button("Go there", () => this.does.goTo(wait)));
      return row;
    });
    if (this.hasNotRun && !waits.some((wait) => wait.is_here)) {
      const row = make("span", "bcr-wait", this.hasNotRun);
      const run = button("Run all cells", () => {
        run.disabled = true;
        this.does.runAll();
      });
      row.append(run);
      rows.unshift(row);
    }
    this.waits.replaceChildren(...rows);
  }

  // Say that the notebook's cells have not run yet, where nothing is running either.
  tellWhetherRun(told, state) {
    const idle = told.is_ours && !told.has_run && state?.isIdle;
    this.hasNotRun = idle ? (state.hasOutputs ? NOT_RUN_HERE : NOT_RUN) : "";
    this.showWaits(told.waits ?? []);
  }

  unfold(isOpen) {
    this.panel.hidden = !isOpen;
    this.way.setAttribute("aria-expanded", String(isOpen));
  }

  follow(event) {
    const link = event.target.closest("a");
    const path = link?.getAttribute("href") ?? "";
    if (!path.endsWith(".ipynb")) return;
    event.preventDefault();
    this.unfold(false);
    this.does.open(`notebooks/${path}`);
  }
}

function fact([label, text]) {
  const made = make("span", label ? "bcr-fact" : "bcr-fact bcr-behind");
  if (label) made.append(make("span", "bcr-soft", label), " ");
  made.append(text.replace(GUID, "$1…"));
  made.title = label ? `${label}: ${text}` : text;
  return made;
}
