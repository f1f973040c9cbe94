// One-click steps from the list, and their undo: the form that works without a script, sent without leaving the page.
import { showMessage } from "./messages.js";
import { say, texts } from "./texts.js";

/** Send the forms of steps and undos in the background. rows: to bring the case's row up to date at once. */
export function takeOverSteps(rows) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-step], [data-undo]")) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "1";
    const row = form.closest(".case-row");
    if (row) row.dataset.own = "1";
    const body = new FormData(form, event.submitter);
    row?.classList.add("is-leaving");
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { "X-Saat-Script": "1" } });
      if (!response.ok || response.redirected) throw new Error(`${response.status}`);
      const answer = await response.json();
      showMessage(answer.message);
      if (form.matches("[data-undo]")) form.closest(".toast")?.remove();
    } catch {
      say(texts().failed);
      // What the form does by itself, with all that the server then says.
      form.submit();
      return;
    } finally {
      delete form.dataset.sent;
      row?.classList.remove("is-leaving");
    }
    const id = Number(body.get("case"));
    if (id) rows.heard({ case: id, kind: "" });
  });
}
