// The page's texts, in the visitor's language, as the server wrote them into the page.
const source = document.getElementById("texts");
const texts = source ? JSON.parse(source.textContent) : {};

// Returns a text with its %(name)s filled in.
export function say(name, facts = {}) {
  return (texts[name] || "").replace(/%\((\w+)\)[sd]/g, (_, key) => (key in facts ? facts[key] : ""));
}

// Makes an element: make("p", {className: "told"}, "text", child…).
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Puts these children, and nothing else, into an element.
export function fill(element, ...children) {
  element.textContent = "";
  element.append(...children);
}

// Returns a blob's bytes; older phones know no Blob.arrayBuffer.
export function bytesOf(blob) {
  return new Response(blob).arrayBuffer();
}
