// The residents' pages work without this script; with it they are quicker, and work without a connection.
import { startForm } from "./lib/resident/form.js";
import { startKeeping } from "./lib/resident/keeping.js";

document.documentElement.classList.add("has-script");
for (const element of document.querySelectorAll("[data-script]")) element.hidden = false;

const form = document.getElementById("form");
if (form) startForm(form);
startKeeping();

if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/worker.js").catch(() => {}));
}
