// What stands on the map, drawn here: each mark has a shape of its own beside its colour, clusters carry their number,
// and names are written by the browser itself, in letters of any script, without a server for map letters.
const KINDS = ["danger", "overdue", "untaken", "taken", "closed"];
const RATIO = 2;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draw what the map asks for by name: "mark-danger", "cluster-overdue-17", "name-1-Daun Penh" (its level, its text). */
export function drawMarks(map) {
  map.on("styleimagemissing", ({ id }) => {
    const [what, kind, ...rest] = id.split("-");
    if (map.hasImage(id)) return;
    if (what === "name") map.addImage(id, name(rest.join("-"), Number(kind)), { pixelRatio: RATIO });
    else if (KINDS.includes(kind)) map.addImage(id, what === "cluster" ? cluster(kind, rest[0]) : mark(kind), { pixelRatio: RATIO });
  });
}

function sheet(side, high = side) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(side * RATIO);
  canvas.height = high * RATIO;
  const pen = canvas.getContext("2d");
  pen.scale(RATIO, RATIO);
  pen.lineJoin = "round";
  return pen;
}

function pixels(pen) {
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
}

function outline(pen, kind, x, size, y = x) {
  pen.beginPath();
  if (kind === "danger") {
    pen.moveTo(x, y - size * 1.15);
    pen.lineTo(x + size * 1.1, y + size * 0.8);
    pen.lineTo(x - size * 1.1, y + size * 0.8);
  } else if (kind === "overdue") {
    pen.moveTo(x, y - size * 1.15);
    pen.lineTo(x + size * 1.15, y);
    pen.lineTo(x, y + size * 1.15);
    pen.lineTo(x - size * 1.15, y);
  } else if (kind === "untaken") {
    pen.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
  } else {
    pen.arc(x, y, size, 0, 7);
  }
  pen.closePath();
}

function mark(kind) {
  const pen = sheet(24);
  outline(pen, kind, 12, 8);
  pen.lineWidth = 4;
  pen.strokeStyle = token("--paper");
  pen.stroke();
  pen.lineWidth = 2;
  pen.strokeStyle = kind === "closed" ? token("--mark-closed") : token("--ink");
  pen.stroke();
  pen.fillStyle = kind === "closed" ? token("--paper") : token(`--mark-${kind}`);
  pen.fill();
  return pixels(pen);
}

function cluster(kind, number) {
  const text = Number(number) > 999 ? `${Math.floor(Number(number) / 1000)}k` : number;
  const side = 34 + Math.min(3, text.length) * 6;
  const pen = sheet(side);
  pen.beginPath();
  pen.arc(side / 2, side / 2, side / 2 - 3, 0, 7);
  pen.fillStyle = token("--paper");
  pen.fill();
  pen.lineWidth = 4;
  pen.strokeStyle = token(`--mark-${kind}`);
  pen.stroke();
  pen.fillStyle = token("--ink");
  pen.font = `700 13px ${token("--type") || "sans-serif"}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, side / 2, side / 2 + 0.5);
  // The shape of what presses most sits on the ring.
  outline(pen, kind, side - 8, 5, 8);
  pen.lineWidth = 2.5;
  pen.strokeStyle = token("--paper");
  pen.stroke();
  pen.fillStyle = token(`--mark-${kind}`);
  pen.fill();
  return pixels(pen);
}

function name(text, level) {
  const font = `${level > 1 ? 500 : 700} ${level > 1 ? 12 : 13}px ${token("--type") || "sans-serif"}`;
  const ruler = sheet(1);
  ruler.font = font;
  const wide = ruler.measureText(text).width + 8;
  const high = 26;
  const pen = sheet(wide, high);
  pen.font = font;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = token("--paper");
  pen.strokeText(text, wide / 2, high / 2);
  pen.fillStyle = token(level > 1 ? "--ink-soft" : "--ink");
  pen.fillText(text, wide / 2, high / 2);
  return pixels(pen);
}
