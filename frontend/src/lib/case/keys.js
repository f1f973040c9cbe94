// Single keys for the acts of a page. They can be turned off, and never act while somebody types.
const OFF = "saat-keys-off";

const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

function isOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
}

/** Press what has `data-key` when its key is pressed; "?" shows the list. dialog: the list, made by the server. */
export function listenForKeys(dialog) {
  if (dialog) describe(dialog);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (event.key === "?" && dialog) {
      event.preventDefault();
      dialog.showModal();
      return;
    }
    if (isOff() || document.querySelector("dialog[open]")) return;
    const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.tagName === "SUMMARY") {
      target.parentElement.open = true;
      const first = target.parentElement.querySelector("select, textarea, input:not([type=hidden])");
      (first || target).focus();
      target.scrollIntoView({ block: "center" });
    } else {
      // A key only leads to the button of an act; Enter then does it, so that no slip of a finger acts.
      target.focus();
      target.scrollIntoView({ block: "center" });
    }
  });
}

function describe(dialog) {
  const list = dialog.querySelector("[data-list]");
  const known = new Set();
  for (const target of document.querySelectorAll("[data-key]")) {
    if (known.has(target.dataset.key)) continue;
    known.add(target.dataset.key);
    const row = document.createElement("p");
    const key = document.createElement("kbd");
    key.textContent = target.dataset.key;
    row.append(key, ` ${target.textContent.trim()}`);
    list.append(row);
  }
  const off = dialog.querySelector("input[type=checkbox]");
  off.checked = isOff();
  off.addEventListener("change", () => {
    try {
      if (off.checked) localStorage.setItem(OFF, "1");
      else localStorage.removeItem(OFF);
    } catch {
      off.checked = false;
    }
  });
  const opener = document.getElementById("open-keys");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => dialog.showModal());
  }
}
