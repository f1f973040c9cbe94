// The rows of the list: what changes on the server changes here, in its place in the one order.
import { tick } from "./clocks.js";
import { fill, say, texts } from "./texts.js";

const GATHER_MS = 80;
const NEW_MS = 20_000;
const SETTLE_MS = 400;
const OPENED = new Set(["case_opened", "case_reopened"]);

/** Keep the list below `page` in step with the server. onChange(): after rows came, changed or left. */
export class Rows {
  constructor(page, { onChange = () => {} } = {}) {
    this.page = page;
    this.list = document.getElementById("cases");
    this.up = page.dataset.order === "up";
    this.onChange = onChange;
    this.waiting = new Map();
    this.hidden = new Set();
    this.below = new Set();
    this.movedAt = 0;
    this.list.addEventListener("click", (event) => this.guard(event), true);
    this.list.addEventListener("click", (event) => {
      const more = event.target.closest("[data-more]");
      if (!more) return;
      event.preventDefault();
      this.more(more);
    });
  }

  all() {
    return [...this.list.querySelectorAll(".case-row")];
  }

  row(id) {
    return document.getElementById(`case-${id}`);
  }

  /** An event told of a case; ask how it stands, together with others that come at the same time. */
  heard({ case: id, kind }) {
    if (!id) return;
    this.waiting.set(id, this.waiting.get(id) || OPENED.has(kind));
    this.timer ||= setTimeout(() => this.ask(), GATHER_MS);
  }

  async ask() {
    this.timer = null;
    const asked = [...this.waiting].slice(0, 150);
    for (const [id] of asked) this.waiting.delete(id);
    if (!asked.length) return;
    try {
      const answer = await this.fetch(`${this.page.dataset.rows}?ids=${asked.map(([id]) => id)}&${this.page.dataset.query}`);
      this.apply(answer, new Map(asked));
    } catch {
      // Ask again with whatever comes next, or when the stream is back.
      for (const [id, opened] of asked) this.waiting.set(id, opened);
      this.timer ||= setTimeout(() => this.ask(), 3_000);
      return;
    }
    if (this.waiting.size) this.timer ||= setTimeout(() => this.ask(), GATHER_MS);
  }

  async fetch(address) {
    const response = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new Error(`${response.status}`);
    return response.json();
  }

  /** Ask anew about every row that is shown: after something was missed. */
  refresh() {
    for (const row of this.all()) this.waiting.set(Number(row.dataset.id), false);
    this.timer ||= setTimeout(() => this.ask(), GATHER_MS);
  }

  apply(answer, asked) {
    const shown = new Set();
    for (const told of answer.rows) {
      shown.add(told.id);
      this.place(told, asked.get(told.id));
    }
    for (const [id, opened] of asked) {
      if (!shown.has(id)) this.leave(id);
      if (opened && answer.hidden.includes(id)) this.hidden.add(id);
      else this.hidden.delete(id);
    }
    this.count(answer.counts);
    this.alerts(answer);
    this.tellFresh();
    document.getElementById("nothing").hidden = this.all().length > 0;
    const bulk = document.getElementById("bulk-form");
    if (bulk) bulk.hidden = this.all().length === 0;
    this.onChange();
  }

  place({ id, key, html, what, where, code }, opened) {
    const old = this.row(id);
    const before = this.all().find((row) => Number(row.dataset.id) !== id && this.comesBefore(key, id, row));
    if (!before && this.list.querySelector("#more")) {
      // It belongs to a page that is not shown yet.
      if (old) old.remove();
      else if (opened) this.below.add(id);
      return;
    }
    const row = fragment(html);
    const kept = old ? stateOf(old) : null;
    const stays = old && old.nextElementSibling === (before || this.list.querySelector("#more"));
    if (stays) old.replaceWith(row);
    else {
      old?.remove();
      this.list.insertBefore(row, before || this.list.querySelector("#more"));
      this.movedAt = performance.now();
    }
    tick(row.parentElement);
    if (kept) restore(row, kept);
    if (!old) {
      row.classList.add("is-new");
      setTimeout(() => row.classList.remove("is-new"), NEW_MS);
      say(fill(texts().new_case, { what, where }));
      if (opened) document.dispatchEvent(new CustomEvent("saat:new-case"));
    } else if (!kept?.own) say(fill(texts().changed, { code }));
  }

  comesBefore(key, id, row) {
    const there = Number(row.dataset.key);
    if (key !== there) return this.up ? key < there : key > there;
    return this.up ? id < Number(row.dataset.id) : id > Number(row.dataset.id);
  }

  leave(id) {
    const row = this.row(id);
    this.below.delete(id);
    if (!row) return;
    const held = row.contains(document.activeElement) || row.classList.contains("current");
    const next = row.nextElementSibling || row.previousElementSibling;
    say(fill(texts().left, { code: row.querySelector(".row-code").textContent }));
    row.remove();
    this.movedAt = performance.now();
    if (held && next?.classList.contains("case-row")) this.current(next, { focus: true });
  }

  /** Make a row the one that keys act on. */
  current(row, { focus = false } = {}) {
    for (const other of this.list.querySelectorAll(".current")) other.classList.remove("current");
    if (!row) return;
    row.classList.add("current");
    if (focus) row.querySelector(".open-case").focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("saat:current", { detail: Number(row.dataset.id) }));
  }

  count(counts) {
    for (const [group, number] of Object.entries(counts)) {
      const place = document.querySelector(`.groups [data-group="${group}"] [data-count]`);
      if (place) place.textContent = number;
    }
  }

  alerts({ alerts, alerts_said: said }) {
    const place = document.getElementById("alert-count");
    if (!place) return;
    const before = Number(place.firstElementChild.textContent);
    place.firstElementChild.textContent = alerts;
    place.lastElementChild.textContent = said;
    place.hidden = alerts === 0;
    if (alerts > before) say(`${alerts} ${said}`);
  }

  tellFresh() {
    const box = document.getElementById("fresh");
    box.replaceChildren();
    if (this.below.size) box.append(textOf(fill(texts().new_below, { n: this.below.size })));
    if (this.hidden.size) {
      const link = document.createElement("a");
      link.href = "/desk/?group=open";
      link.textContent = fill(texts().new_hidden, { n: this.hidden.size });
      box.append(link);
    }
    box.hidden = !box.children.length;
  }

  /** A row that has just moved under the pointer is not what was aimed at. */
  guard(event) {
    if (event.detail > 0 && performance.now() - this.movedAt < SETTLE_MS && event.target.closest("button")) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  async more(link) {
    link.setAttribute("aria-disabled", "true");
    const asked = `/desk/?${this.page.dataset.query}&after=${link.dataset.more}&part=rows`;
    let html;
    try {
      const response = await fetch(asked, { credentials: "same-origin" });
      if (!response.ok || response.redirected) throw new Error(`${response.status}`);
      html = await response.text();
    } catch {
      link.removeAttribute("aria-disabled");
      say(texts().failed);
      return;
    }
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const rows = [...holder.content.querySelectorAll(".case-row")];
    document.getElementById("more").remove();
    for (const row of rows) this.row(row.dataset.id)?.remove();
    this.list.append(holder.content);
    this.below.clear();
    this.tellFresh();
    tick(this.list);
    if (rows[0]) this.current(rows[0], { focus: true });
    this.onChange();
  }
}

function fragment(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return holder.content.firstElementChild;
}

function textOf(text) {
  const line = document.createElement("span");
  line.textContent = text;
  return line;
}

function stateOf(row) {
  const box = row.querySelector(".pick input");
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  return {
    picked: Boolean(box?.checked),
    current: row.classList.contains("current"),
    isNew: row.classList.contains("is-new"),
    own: row.dataset.own === "1",
    focus: focused && (focused.closest(".next") ? ".next .button" : focused.matches(".pick input") ? ".pick input" : ".open-case"),
  };
}

function restore(row, { picked, current, isNew, focus }) {
  const box = row.querySelector(".pick input");
  if (box) box.checked = picked;
  row.classList.toggle("current", current);
  row.classList.toggle("is-new", isNew);
  if (focus) row.querySelector(focus)?.focus({ preventScroll: true });
}
