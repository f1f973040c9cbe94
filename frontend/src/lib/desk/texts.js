// The words of the desk's scripts, written into the page by the server in the reader's language.
let known = null;

/** Return the texts of this page, or an empty object where it has none. */
export function texts() {
  if (!known) {
    const block = document.getElementById("desk-texts");
    known = block ? JSON.parse(block.textContent) : {};
  }
  return known;
}

/** Return a text with its {names} filled in. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Say something to people who listen to the page. */
export function say(text) {
  const box = document.getElementById("said");
  if (!box) return;
  const line = document.createElement("p");
  line.textContent = text;
  box.append(line);
  while (box.children.length > 5) box.firstElementChild.remove();
}
