function make(tag, attributes = {}, ...children) {
  const one = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  one.append(...children.filter((child) => child));
  return one;
}

function facts(card) {
  const list = make("dl");
  for (const [label, value, isCode] of card.facts) {
    list.append(make("dt", {}, label), make("dd", {}, isCode ? make("code", {}, value) : value));
  }
  return list;
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// What is left of the minute, as a ring that closes and as a number.
function countdown(model) {
  const circle = '<circle cx="9" cy="9" r="7" pathLength="100"';
  const shown = make("span", { class: "left", "aria-hidden": "true" });
  shown.innerHTML = `<svg viewBox="0 0 18 18" width="18" height="18">${circle} class="track"/>
    ${circle} class="run" transform="rotate(-90 9 9)"/></svg><span></span>`;
  const tell = () => {
    const [left, whole] = [model.get("left"), model.get("card").kept];
    shown.hidden = !left;
    shown.querySelector(".run").setAttribute("stroke-dasharray", `${(100 * left) / whole} 100`);
    shown.lastChild.textContent = clock(left);
  };
  model.on("change:left", tell);
  tell();
  return shown;
}

// A file that the kernel has made goes where the browser keeps files, of the page that asked for it.
function keepWhatIsGiven(model, button, act) {
  let asked = false;
  act.addEventListener("click", () => { asked = true; });
  model.on("msg:custom", (content, [buffer] = []) => {
    if (!asked || !buffer || content.key !== button.key) return;
    asked = false;
    const address = URL.createObjectURL(new Blob([buffer], { type: "message/rfc822" }));
    make("a", { href: address, download: content.file }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  });
}

// One button, a link that looks like one, or the field and the two buttons of the last word.
function control(model, line, button, tick) {
  const note = make("span", { class: "note", role: "status" });
  const parts = [];
  const press = (more = {}) => {
    act.classList.add("heard"); // until the kernel says something, which may be what it said before
    setTimeout(() => act.classList.remove("heard"), 3000);
    model.send({ press: button.key, ...more });
  };
  if (button.does === "open") {
    const link = make("a", { class: "act", href: button.value, target: "_blank" }, button.label);
    link.rel = "noopener noreferrer";
    link.addEventListener("click", tick);
    link.append(make("span", { class: "unseen" }, " (opens a new tab)"));
    return [link];
  }
  const act = make("button", { type: "button", class: "act" }, button.label);
  if (button.does === "copy") {
    act.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.value);
        note.textContent = "Copied.";
        tick();
      } catch {
        note.textContent = "This browser lets no page copy: select it and copy it by hand.";
      }
      setTimeout(() => { note.textContent = ""; }, 4000);
    });
    return [make("code", {}, button.value), act, note];
  }
  if (button.does === "confirm") parts.push(...lastWord(model, button, act, note, press));
  else {
    act.addEventListener("click", () => press());
    parts.push(act);
    if (button.does === "copy_secret") parts.push(countdown(model));
    if (button.does === "write_notice") keepWhatIsGiven(model, button, act);
  }
  const tell = () => {
    const said = model.get("said")[button.key] ?? { text: "", is_problem: false };
    act.classList.remove("heard");
    note.textContent = said.text;
    note.classList.toggle("problem", said.is_problem);
    const field = parts.find((one) => one.tagName === "INPUT");
    field?.setAttribute("aria-invalid", String(said.is_problem));
    if (said.is_problem) field?.focus();
  };
  model.on("change:said", tell);
  tell();
  return [...parts, note];
}

function lastWord(model, button, act, note, press) {
  const id = `bcr-${Math.random().toString(36).slice(2)}`;
  note.id = `${id}-note`;
  const attributes = { id, type: "text", autocomplete: "name", spellcheck: "false" };
  const field = make("input", { ...attributes, "aria-describedby": note.id });
  field.value = model.get("name");
  const say = () => press({ name: field.value });
  field.addEventListener("change", () => model.send({ name: field.value }));
  field.addEventListener("keydown", (event) => {
    // JupyterLab's own keys are letters.
    event.stopPropagation();
    if (event.key === "Enter") say();
  });
  model.on("change:name", () => {
    if (document.activeElement !== field) field.value = model.get("name");
  });
  act.classList.add("main");
  act.addEventListener("click", say);
  const later = make("button", { type: "button", class: "act" }, "Not now");
  later.addEventListener("click", () => model.send({ press: "later" }));
  return [make("label", { for: id }, "Your name"), field, act, later];
}

function steps(model, card, id) {
  const list = make("ol", {});
  card.lines.forEach((line, index) => {
    const box = make("input", { type: "checkbox", "aria-labelledby": `${id}-${index}` });
    const tick = () => model.send({ tick: index, on: true });
    box.addEventListener("change", () => model.send({ tick: index, on: box.checked }));
    const tell = () => {
      box.checked = model.get("done").includes(index);
      row.classList.toggle("done", box.checked);
    };
    const text = make("p", { id: `${id}-${index}` }, line.text);
    const acts = line.buttons.flatMap((button) => control(model, line, button, tick));
    const body = make("div", {}, text, acts.length ? make("div", { class: "acts" }, ...acts) : null);
    const isLast = line.buttons.some((button) => button.does === "confirm");
    const row = make("li", {}, isLast ? make("span") : box, body);
    model.on("change:done", tell);
    tell();
    list.append(row);
  });
  return list;
}

function folded(title, texts) {
  if (!texts.length) return null;
  const list = make("ul", {}, ...texts.map((text) => make("li", {}, text)));
  return make("details", {}, make("summary", {}, title), list);
}

function foot(model) {
  const shown = make("div", { class: "foot", role: "status" });
  const tell = () => {
    const { text, tone, buttons } = model.get("foot");
    const end = model.get("end");
    shown.className = `foot ${end ? "" : tone}`;
    const acts = (end ? [] : buttons).map(([key, label]) => {
      const act = make("button", { type: "button", class: "act" }, label);
      act.addEventListener("click", () => model.send({ press: key }));
      return act;
    });
    shown.replaceChildren(make("span", {}, end || text), ...acts);
    shown.hidden = !(end || text || acts.length);
  };
  model.on("change:foot", tell);
  model.on("change:end", tell);
  tell();
  return shown;
}

function render({ model, el }) {
  const card = model.get("card");
  const id = `bcr-${Math.random().toString(36).slice(2)}`;
  const lines = steps(model, card, id);
  const root = make(
    "section",
    { class: "bcr-check", "aria-labelledby": id },
    make("p", { id, class: "title" }, card.title),
    facts(card),
    card.needs.length ? make("p", { class: "soft" }, "Before anybody begins") : null,
    card.needs.length ? make("ul", {}, ...card.needs.map((one) => make("li", {}, one))) : null,
    lines,
    card.looks_like
      ? make("p", {}, make("span", { class: "soft" }, "When it went well: "), card.looks_like)
      : null,
    folded("Something is not as described?", card.slips),
    foot(model),
  );
  const close = () => {
    for (const one of lines.querySelectorAll("button, input")) one.disabled = !!model.get("end");
    root.classList.toggle("over", !!model.get("end"));
  };
  model.on("change:end", close);
  close();
  el.append(root);
}

export default { render };
