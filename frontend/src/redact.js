// Drawing over what nobody should recognise in a photo. The server covers the parts; here they are only drawn.
const byId = (id) => document.getElementById(id);
const area = byId("redact");
const STEP = 0.01;
const LEAST = 0.01;

document.documentElement.classList.add("has-script");
if (area) begin();

function begin() {
  for (const id of ["add-part", "drop-parts", "cover"]) byId(id).hidden = false;
  byId("cover").disabled = true;
  byId("add-part").addEventListener("click", () => add({ x: 0.4, y: 0.4, width: 0.2, height: 0.2 }).focus());
  byId("drop-parts").addEventListener("click", () => {
    for (const part of parts()) part.remove();
    write();
  });
  area.addEventListener("pointerdown", draw);
  area.addEventListener("keydown", move);
  byId("redact-photo").addEventListener("dragstart", (event) => event.preventDefault());
}

const parts = () => [...area.querySelectorAll(".redact-part")];

function share(event) {
  const frame = area.getBoundingClientRect();
  const within = (value) => Math.min(1, Math.max(0, value));
  return { x: within((event.clientX - frame.left) / frame.width), y: within((event.clientY - frame.top) / frame.height) };
}

function add(place) {
  const part = document.createElement("div");
  part.className = "redact-part";
  part.tabIndex = 0;
  part.setAttribute("role", "img");
  part.setAttribute("aria-label", area.dataset.part.replace("{n}", String(parts().length + 1)));
  area.append(part);
  put(part, place);
  write();
  return part;
}

function put(part, place) {
  part.place = place;
  part.style.left = `${place.x * 100}%`;
  part.style.top = `${place.y * 100}%`;
  part.style.width = `${place.width * 100}%`;
  part.style.height = `${place.height * 100}%`;
}

function write() {
  const rows = parts().map(({ place }) => [place.x, place.y, place.width, place.height].map((n) => Number(n.toFixed(4))));
  byId("redact-parts").value = JSON.stringify(rows);
  byId("cover").disabled = rows.length === 0;
}

function draw(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  const from = share(event);
  let part = null;
  area.setPointerCapture(event.pointerId);
  const on = (moved) => {
    const to = share(moved);
    const place = {
      x: Math.min(from.x, to.x),
      y: Math.min(from.y, to.y),
      width: Math.abs(to.x - from.x),
      height: Math.abs(to.y - from.y),
    };
    if (!part && (place.width > LEAST || place.height > LEAST)) part = add(place);
    if (part) put(part, { ...place, width: Math.max(LEAST, place.width), height: Math.max(LEAST, place.height) });
  };
  const end = () => {
    area.removeEventListener("pointermove", on);
    write();
  };
  area.addEventListener("pointermove", on);
  area.addEventListener("pointerup", end, { once: true });
  area.addEventListener("pointercancel", end, { once: true });
}

function move(event) {
  const part = event.target.closest(".redact-part");
  if (!part) return;
  const { x, y, width, height } = part.place;
  const ways = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  if (event.key === "Delete" || event.key === "Backspace") {
    part.remove();
    write();
    area.querySelector(".redact-part")?.focus();
  } else if (ways[event.key]) {
    const [dx, dy] = ways[event.key];
    const within = (value, most) => Math.min(most, Math.max(0, value));
    if (event.shiftKey) put(part, { x, y, width: Math.max(LEAST, within(width + dx, 1 - x)), height: Math.max(LEAST, within(height + dy, 1 - y)) });
    else put(part, { x: within(x + dx, 1 - width), y: within(y + dy, 1 - height), width, height });
    write();
  } else return;
  event.preventDefault();
}
