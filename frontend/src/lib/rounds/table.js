// The stops as a table: everything that the map does can be done here, by keyboard.
import { fill, say, texts } from "../desk/texts.js";
import { write } from "./lines.js";

const STREAMS = ["refuse", "recycling", "organic", "bulky"];

const make = (tag, { ariaLabel = "", ...properties } = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  if (ariaLabel) element.setAttribute("aria-label", ariaLabel);
  element.append(...children);
  return element;
};

export class StopTable {
  constructor({ host, lines, columns, stops }) {
    Object.assign(this, { host, lines, columns, stops });
    this.onChange = this.onShow = this.onDraw = () => {};
    this.body = make("tbody");
    const said = texts().columns;
    const heads = [said.order, said.name, said.kind, said.time, said.opens, said.closes, said.place, said.days, said.more];
    const row = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })));
    host.append(make("table", { className: "rounds stops-edited" }, make("thead", {}, row), this.body));
    host.hidden = false;
    host.addEventListener("keydown", (event) => this.keyed(event));
    this.draw();
  }

  /** Write the lines of text anew and tell the map. */
  changed() {
    this.lines.value = write(this.columns, this.stops);
    this.onChange(this.stops);
  }

  draw() {
    this.body.replaceChildren(...this.stops.map((stop, at) => this.row(stop, at)));
  }

  row(stop, at) {
    const said = texts().columns;
    const n = at + 1;
    const names = texts().languages.map((language) => this.input(stop, `name:${language}`, `${said.name} (${language}) ${n}`, { lang: language, className: "wide" }));
    const place = [this.input(stop, "lat", `${said.place} ${n}`), this.input(stop, "lon", `${said.place} ${n}`)];
    const kerb = [this.input(stop, "line", `${said.line} ${n}`, { className: "wide" }), this.button(texts().draw, n, "✎", () => this.onDraw(stop))];
    const more = make("details", {}, make("summary", { textContent: "…", ariaLabel: `${said.more} ${n}` }), this.more(stop, n));
    const cells = [
      make("span", { className: "order" }, String(n), this.button(texts().up, n, "↑", () => this.move(at, at - 1)), this.button(texts().down, n, "↓", () => this.move(at, at + 1))),
      make("span", { className: "names" }, ...names),
      this.kind(stop, n),
      this.input(stop, "time", `${said.time} ${n}`, { className: "time" }),
      this.input(stop, "opens", `${said.opens} ${n}`, { className: "time" }),
      this.input(stop, "closes", `${said.closes} ${n}`, { className: "time" }),
      make("span", { className: "names" }, ...(stop.kind === "kerb" ? kerb : place)),
      make("span", { className: "names" }, ...this.streams(stop, n)),
      make("span", { className: "order" }, this.button(texts().show, n, "⌖", () => this.onShow(stop)), this.button(texts().remove, n, "×", () => this.remove(at)), more),
    ];
    const row = make("tr", {}, ...cells.map((cell) => make("td", {}, cell)));
    row.dataset.row = String(n);
    return row;
  }

  more(stop, n) {
    const said = texts().columns;
    const lane = make("input", { type: "checkbox", checked: stop.lane === "yes" });
    lane.addEventListener("change", () => this.set(stop, "lane", lane.checked ? "yes" : ""));
    const labelled = (name) => make("label", {}, said[name], this.input(stop, name, `${said[name]} ${n}`));
    return make("span", { className: "names" }, make("label", { className: "choice" }, lane, said.lane), labelled("served_by"), labelled("dwell_s"), labelled("load_kg"));
  }

  streams(stop, n) {
    return STREAMS.filter((name, at) => at < 2 || stop[name]).map((name) => {
      const label = texts().streams[name];
      return make("label", { className: "stream-days" }, `${label} `, this.input(stop, name, `${label} ${n}`, { placeholder: texts().all, title: texts().all }));
    });
  }

  input(stop, name, label, more = {}) {
    const field = make("input", { type: "text", value: stop[name] || "", ariaLabel: label, autocomplete: "off", ...more });
    field.dataset.column = name;
    field.addEventListener("change", () => this.set(stop, name, field.value.trim()));
    return field;
  }

  kind(stop, n) {
    const select = make("select", { ariaLabel: `${texts().columns.kind} ${n}` });
    for (const [kind, text] of Object.entries(texts().kinds)) select.append(make("option", { value: kind, textContent: text, selected: kind === (stop.kind || "point") }));
    select.addEventListener("change", () => {
      this.set(stop, "kind", select.value);
      this.draw();
    });
    return select;
  }

  button(text, n, sign, act) {
    const button = make("button", { type: "button", className: "button small quiet", textContent: sign, title: fill(text, { n }), ariaLabel: fill(text, { n }) });
    button.addEventListener("click", act);
    return button;
  }

  set(stop, name, value) {
    stop[name] = value;
    this.changed();
  }

  move(from, to) {
    if (to < 0 || to >= this.stops.length) return;
    this.stops.splice(to, 0, ...this.stops.splice(from, 1));
    this.changed();
    this.draw();
    this.body.rows[to].querySelector(to < from ? "button" : "button + button").focus();
    say(fill(texts().moved, { n: from + 1, to: to + 1 }));
  }

  remove(at) {
    this.stops.splice(at, 1);
    this.changed();
    this.draw();
    (this.body.rows[Math.min(at, this.stops.length - 1)]?.querySelector("input") || document.getElementById("add-row")).focus();
    say(fill(texts().removed, { n: at + 1 }));
  }

  /** Put a new stop at the end, with the times and the days of the one before it. */
  add(known) {
    const before = this.stops.at(-1) || { time: "20:00", opens: "", closes: "", refuse: "all" };
    const same = Object.fromEntries(["time", "opens", "closes", ...STREAMS].map((name) => [name, before[name] || ""]));
    this.stops.push({ kind: "point", dwell_s: "30", load_kg: "0", ...same, ...known });
    this.changed();
    this.draw();
    const row = this.body.rows[this.stops.length - 1];
    row.querySelector("input").focus();
    say(fill(texts().added, { n: this.stops.length }));
  }

  place(stop, lat, lon) {
    Object.assign(stop, { lat: lat.toFixed(6), lon: lon.toFixed(6) });
    this.changed();
    this.draw();
    say(fill(texts().placed, { n: this.stops.indexOf(stop) + 1 }));
  }

  setLine(stop, points) {
    stop.kind = "kerb";
    stop.line = points.map(([lon, lat]) => `${lat.toFixed(6)} ${lon.toFixed(6)}`).join("; ");
    this.changed();
    this.draw();
  }

  focus(stop) {
    const row = this.body.rows[this.stops.indexOf(stop)];
    row?.scrollIntoView({ block: "nearest" });
    row?.querySelector("input").focus();
  }

  keyed(event) {
    const row = event.target.closest("tr[data-row]");
    if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault(); // a line is finished, not the form
      event.target.dispatchEvent(new Event("change"));
    }
    if (!row || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.target.dispatchEvent(new Event("change"));
    const at = Number(row.dataset.row) - 1;
    this.move(at, event.key === "ArrowUp" ? at - 1 : at + 1);
  }
}
