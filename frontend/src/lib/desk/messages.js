// The short messages at the foot of the screen: what was done, with a way back.
const STAYS_MS = 12_000;

/** Let people close messages; those without a button to press leave by themselves, errors stay. */
export function closeMessages() {
  const box = document.getElementById("messages");
  if (!box) return;
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest(".toast").remove();
  });
  for (const toast of box.querySelectorAll(".toast")) ready(toast);
}

function ready(toast) {
  const close = toast.querySelector("[data-close]");
  if (close) close.hidden = false;
  const waits = toast.querySelector("form") ? STAYS_MS * 2 : STAYS_MS;
  if (!toast.classList.contains("error")) setTimeout(() => !toast.matches(":focus-within, :hover") && toast.remove(), waits);
}

/** Show a message made by the server as HTML (one .toast). */
export function showMessage(html) {
  const box = document.getElementById("messages");
  if (!box || !html) return null;
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  const toast = holder.content.firstElementChild;
  box.append(toast);
  while (box.children.length > 3) box.firstElementChild.remove();
  ready(toast);
  return toast;
}
