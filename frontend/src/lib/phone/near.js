// What becomes of the call, asked of the server as it is written: promise, urgency, open cases that it may be.
const WAIT_MS = 350;

export function startNear(form) {
  const side = form.querySelector("#near");
  let waits = 0;
  let asked = 0;
  let last = "";
  let chosen = false; // whether a person chose among the cases, or only what stands there by itself

  async function look() {
    const typed = new URLSearchParams(new FormData(form));
    for (const name of ["client_id", "name", "looked", ...(chosen ? [] : ["join"])]) typed.delete(name);
    const body = typed.toString();
    if (body === last) return;
    last = body;
    const mine = ++asked;
    const html = await fetch(form.dataset.near, { method: "POST", body: typed, credentials: "same-origin" })
      .then((response) => (response.ok ? response.text() : null))
      .catch(() => null);
    // What is typed while the answer is on its way is asked about next; a choice under somebody's hand stays.
    if (html === null || mine !== asked || side.contains(document.activeElement)) return;
    side.innerHTML = html;
    ready();
  }

  function ready() {
    for (const button of side.querySelectorAll("[data-file-as]")) button.hidden = false;
  }

  function soon() {
    clearTimeout(waits);
    waits = setTimeout(look, WAIT_MS);
  }

  form.addEventListener("input", (event) => side.contains(event.target) || soon());
  form.addEventListener("change", (event) => side.contains(event.target) || soon());
  side.addEventListener("change", () => (chosen = true));
  side.addEventListener("click", (event) => {
    const button = event.target.closest("[data-file-as]");
    const card = button && form.querySelector(`input[name="service_code"][value="${CSS.escape(button.dataset.fileAs)}"]`);
    if (!card) return;
    card.checked = true;
    card.focus();
    soon();
  });
  ready();
  return { soon };
}
