// The box for an area or a landmark: typed in Khmer or Latin letters, the server finds what is meant.
const WAIT_MS = 90;

export function startCombo(form, { changed, show }) {
  const plain = form.querySelector("#where-plain");
  const select = plain.querySelector("select");
  const box = form.querySelector("#where");
  const list = form.querySelector("#where-list");
  const told = form.querySelector("#where-told");
  // What was chosen travels in a hidden field; the plain list is for pages without a script.
  const pick = Object.assign(document.createElement("input"), { type: "hidden", name: "pick", value: select.value });
  const known = select.selectedOptions[0];
  if (pick.value) {
    box.value = known.dataset.name || known.textContent;
    told.textContent = known.dataset.about || "";
  }
  plain.replaceWith(pick);
  for (const each of form.querySelectorAll(".plain-only")) each.remove();
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");

  let found = [];
  let foundFor = ""; // what was typed when the list was made
  let at = -1;
  let waits = 0;
  let asked = 0;

  function open(isOpen) {
    list.hidden = !isOpen;
    box.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) box.removeAttribute("aria-activedescendant");
  }

  function mark(number) {
    at = number;
    for (const [index, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(index === at));
    if (at < 0) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    box.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function draw() {
    list.replaceChildren(
      ...found.map((one, index) => {
        const item = Object.assign(document.createElement("li"), { id: `where-${index}` });
        item.setAttribute("role", "option");
        const name = Object.assign(document.createElement("strong"), { textContent: one.name });
        const other = Object.assign(document.createElement("span"), { textContent: one.other });
        const about = Object.assign(document.createElement("span"), { className: "help", textContent: one.about });
        item.append(name, " ", other, " ", about);
        return item;
      }),
    );
    open(found.length > 0 && document.activeElement === box);
    mark(found.length ? 0 : -1);
    told.textContent = found.length ? form.dataset.count.replace("{n}", found.length) : form.dataset.none;
  }

  async function ask() {
    const text = box.value.trim();
    const mine = ++asked;
    if (!text) {
      found = [];
      foundFor = "";
      open(false);
      told.textContent = "";
      return;
    }
    const answer = await fetch(`${form.dataset.where}?q=${encodeURIComponent(text)}`, { credentials: "same-origin" })
      .then((response) => (response.ok ? response.json() : null))
      .catch(() => null);
    // Without an answer what was typed is sent as it is, and the server asks.
    if (!answer || mine !== asked) return;
    found = answer.found;
    foundFor = text;
    draw();
  }

  function choose(one) {
    asked += 1;
    clearTimeout(waits);
    pick.value = one.value;
    box.value = one.name;
    told.textContent = one.about;
    box.removeAttribute("aria-invalid");
    open(false);
    if (one.lat !== undefined) show(one);
    changed();
  }

  // Whoever types fast presses Enter before the list has followed; what is taken must fit what was typed.
  async function settle() {
    clearTimeout(waits);
    if (box.value.trim() !== foundFor) await ask();
    if (!pick.value && found.length && box.value.trim() === foundFor) choose(found[Math.max(at, 0)]);
    return Boolean(pick.value);
  }

  // Which of several was meant can be settled with one click.
  for (const radio of form.querySelectorAll(".phone-meant input")) radio.addEventListener("change", () => (pick.value = radio.value));

  box.addEventListener("input", () => {
    pick.value = "";
    for (const radio of form.querySelectorAll(".phone-meant input")) radio.checked = false;
    clearTimeout(waits);
    waits = setTimeout(ask, WAIT_MS);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "ArrowDown" && list.hidden) ask();
    else if (step && !list.hidden) mark((at + step + found.length) % found.length);
    else if (event.key === "Escape" && !list.hidden) {
      found = []; // none of them
      open(false);
    } else if (event.key === "Enter" && !event.ctrlKey && !pick.value && box.value.trim()) {
      settle().then((settled) => settled && form.querySelector("#address").focus());
    } else {
      if (event.key === "Tab" && !pick.value && box.value.trim()) settle();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const index = [...list.children].indexOf(event.target.closest("li"));
    if (index >= 0) choose(found[index]);
  });
  box.addEventListener("blur", () => {
    clearTimeout(waits);
    open(false);
  });
}
