// Stops as lines of text, cells parted by tabs, the first line naming the columns.

/** Return {columns, stops}: each stop an object of texts by column. */
export function parse(text) {
  const rows = text.split("\n").map((line) => line.replace(/\r$/, "").split("\t").map(bare));
  const columns = rows.shift() || [];
  const stops = rows
    .filter((cells) => cells.some((cell) => cell.trim()))
    .map((cells) => Object.fromEntries(columns.map((name, at) => [name, cells[at] || ""])));
  return { columns, stops };
}

/** Return stops as lines of text again. */
export function write(columns, stops) {
  const rows = [columns, ...stops.map((stop) => columns.map((name) => quoted(stop[name] || "")))];
  return rows.map((cells) => cells.join("\t")).join("\n");
}

// A cell with a quotation mark stands in quotation marks, as the server reads and writes it.
const quoted = (cell) => {
  const plain = cell.replace(/[\t\r\n]+/g, " ");
  return plain.includes('"') ? `"${plain.replaceAll('"', '""')}"` : plain;
};
const bare = (cell) => (/^".*"$/.test(cell) ? cell.slice(1, -1).replaceAll('""', '"') : cell);

/** Return a kerb's points as [[lon, lat], …]. */
export function pointsOf(line) {
  return (line || "")
    .split(";")
    .map((part) => part.trim().split(/\s+/).map(Number))
    .filter(([lat, lon]) => Number.isFinite(lat) && Number.isFinite(lon))
    .map(([lat, lon]) => [lon, lat]);
}

/** Return where a stop is drawn as [lon, lat], or null. */
export function placeOf(stop) {
  const points = stop.kind === "kerb" ? pointsOf(stop.line) : [];
  if (points.length) return points[Math.floor((points.length - 1) / 2)];
  const at = [Number.parseFloat(stop.lon), Number.parseFloat(stop.lat)];
  return at.every(Number.isFinite) ? at : null;
}
