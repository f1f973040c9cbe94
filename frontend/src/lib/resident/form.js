// The report form: asked step by step, looked at before it goes, kept on the phone until it is in.
import { add, all, flush } from "./outbox.js";
import { startPictures } from "./pictures.js";
import { startPlace } from "./place.js";
import { fill, make, say } from "./texts.js";
import { startWaiting, wakeLater } from "./waiting.js";

const LOOK_TIMEOUT_MS = 6_000;
const KEPT = "saat-form";

export function startForm(form) {
  const fields = form.elements;
  const summary = form.querySelector("#summary");
  const nearby = form.querySelector("#nearby");
  const collection = form.querySelector("#collection");
  const sendButton = form.querySelector("#send");
  const sendTold = form.querySelector("#send-told");
  const pictures = startPictures(form);
  const place = startPlace(form, { lookUp });
  const waiting = startWaiting();
  let decided = ""; // "apart", "join:CODE", or "" while nobody was asked
  let busy = false;

  newReport();
  restore();
  showQuestions();
  askCollection();
  form.addEventListener("change", (event) => {
    if (event.target.name === "service_code") showQuestions();
    const place = event.target === form || ["area_id", "near"].includes(event.target.name);
    if (place || event.target.name === "service_code") askAnew();
    if (event.target.name === "service_code") askCollection();
    // The photos tell their own faults.
    if (event.target.name !== "photos") for (const id of place ? ["where", "area_id", "near"] : [event.target.name]) mended(id);
    keep();
  });
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  nearby.querySelector("#apart").addEventListener("click", () => decide("apart"));

  // A page that was kept for offline use has an old id: every report gets one of its own.
  function newReport() {
    fields.client_id.value = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(16).slice(2)}-${Math.random().toString(16).slice(2)}`;
  }

  function showQuestions() {
    const chosen = new FormData(form).get("service_code");
    for (const questions of form.querySelectorAll(".questions")) {
      questions.hidden = questions.dataset.for !== chosen;
      questions.open = !questions.hidden;
    }
  }

  function askAnew() {
    decided = "";
    showNearby([]);
    showCollection(null);
  }

  // What is known of a collection that did not come is said as soon as it is clear which one is meant.
  function askCollection() {
    const told = fields.lat.value || fields.stop.value;
    if (told && new FormData(form).get("service_code") === form.dataset.missed) lookUp().catch(() => null);
  }

  function showCollection(answer) {
    collection.hidden = !answer;
    if (!answer) return;
    collection.querySelector("h2").textContent = answer.title;
    collection.querySelector("p").textContent = answer.text;
  }

  function decide(choice) {
    decided = choice;
    showNearby([]);
    send();
  }

  // ---- what was typed survives a reload, in this tab only
  function keep() {
    const values = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !["csrfmiddlewaretoken", "client_id", "draft", "stop"].includes(name));
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(values));
    } catch {
      // A browser that keeps nothing loses nothing else.
    }
  }

  function restore() {
    let values = [];
    try {
      values = JSON.parse(sessionStorage.getItem(KEPT)) || [];
    } catch {
      return;
    }
    if (!summary.hidden) return; // the server has sent everything back already
    for (const [name, value] of values) {
      if (name === "service_code" && fields.stop.value) continue; // a stop's own page has chosen it
      for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (field.type === "radio" || field.type === "checkbox") field.checked = field.checked || field.value === value;
        else field.value = value;
      }
    }
    form.querySelector(".contact").open = Boolean(fields.name.value || fields.phone.value || fields.email.value);
  }

  // ---- faults
  function showFaults(faults) {
    for (const fault of form.querySelectorAll(".fault")) fault.hidden = true;
    for (const [id, message] of faults) {
      const fault = form.querySelector(`#${CSS.escape(id)}-fault`);
      if (fault) {
        fault.textContent = message;
        fault.hidden = false;
      }
    }
    const items = faults.map(([id, message]) => make("li", {}, make("a", { href: `#${id}`, textContent: message })));
    fill(summary.querySelector("ul"), ...items);
    summary.hidden = faults.length === 0;
    if (faults.length) summary.focus();
  }

  // A fault goes as soon as its field is changed.
  function mended(id) {
    const fault = form.querySelector(`#${CSS.escape(id)}-fault`);
    if (fault) fault.hidden = true;
    const link = summary.querySelector(`a[href="#${CSS.escape(id)}"]`);
    if (link) link.parentElement.remove();
    if (!summary.querySelector("li")) summary.hidden = true;
  }

  function faultsOf() {
    const faults = [];
    if (!new FormData(form).get("service_code")) faults.push(["service_code", say("choose_what")]);
    if (!fields.lat.value && !fields.stop.value && !fields.area_id.value && !fields.near.value.trim()) faults.push(["where", say("choose_where")]);
    return faults;
  }

  // A link of the summary leads to the field itself.
  summary.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    target.focus();
    (target.closest(".card") || target).scrollIntoView({ block: "center" });
  });

  // ---- what is open nearby
  async function lookUp() {
    const body = new FormData();
    for (const name of ["lat", "lon", "area_id", "near", "stop", "words"]) body.append(name, fields[name].value);
    body.append("service_code", new FormData(form).get("service_code") || "");
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), LOOK_TIMEOUT_MS);
    try {
      const response = await fetch(form.dataset.near, { method: "POST", body, credentials: "same-origin", signal: stop.signal });
      const found = await response.json();
      showCollection(found.collection);
      return found;
    } finally {
      clearTimeout(timer);
    }
  }

  function showNearby(cases) {
    const rows = cases.map((found) => {
      const card = form.querySelector(`.card input[value="${CSS.escape(found.service_code)}"]`);
      const picture = card ? card.parentElement.querySelector(".picture").cloneNode(true) : make("span", { className: "picture" });
      const join = make("button", { type: "button", className: "button", textContent: say("join") });
      join.addEventListener("click", () => decide(`join:${found.code}`));
      const text = make("div", {}, make("h3", { textContent: found.what }));
      for (const line of [found.where, found.distance, `${found.since} · ${found.voices}`]) {
        if (line) text.append(make("p", { textContent: line }));
      }
      text.append(make("p", { className: "status", textContent: found.status }), join);
      return make("li", { className: "case" }, picture, text);
    });
    fill(nearby.querySelector("ul"), ...rows);
    nearby.hidden = cases.length === 0;
    // The question stands in place of the button until it is answered.
    sendButton.hidden = !nearby.hidden;
    if (nearby.hidden) return;
    nearby.focus();
    nearby.scrollIntoView({ block: "start" });
  }

  // ---- sending
  async function send() {
    if (busy) return;
    const faults = faultsOf();
    showFaults(faults);
    if (faults.length) return;
    busy = sendButton.disabled = true;
    let outcome = "";
    try {
      if (!decided && navigator.onLine !== false) {
        sendTold.textContent = say("looking");
        const seen = !collection.hidden;
        const found = await lookUp().catch(() => null);
        if (found && found.error) {
          showFaults([["where", found.error]]);
          return;
        }
        if (found && found.cases && found.cases.length) {
          showNearby(found.cases);
          return;
        }
        if (found && found.collection && !seen) {
          collection.focus();
          collection.scrollIntoView({ block: "start" });
          return;
        }
      }
      sendTold.textContent = say("sending");
      outcome = await keepAndSend();
    } finally {
      sendTold.textContent = outcome;
      busy = sendButton.disabled = false;
    }
  }

  // Returns what there is to say, if the page stays.
  async function keepAndSend() {
    const id = fields.client_id.value;
    const photos = await pictures.taken();
    const chosen = form.querySelector('[name="service_code"]:checked');
    const report = {
      id,
      address: form.dataset.send,
      fields: told(),
      photos,
      what: chosen.parentElement.querySelector(".name").textContent,
    };
    waiting.begin(id);
    try {
      await add(report);
    } catch {
      // No room on the phone, or a private window: the form goes the plain way, without the script's help.
      plainly(photos);
      return "";
    }
    await flush().catch(() => {});
    const mine = (await all()).find((each) => each.id === id);
    if (mine && mine.state === "sent") {
      sessionStorage.removeItem(KEPT);
      location.assign(`${mine.url}?sent=1`);
      return say("sending");
    }
    waiting.show();
    if (mine && mine.state === "refused") return "";
    startAgain();
    await wakeLater();
    return say("waiting");
  }

  function told() {
    const skip = ["csrfmiddlewaretoken", "photos"];
    const values = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && value !== "" && !skip.includes(name));
    values.push(["language", form.dataset.language], ["said_at", new Date().toISOString()]);
    if (decided === "apart") values.push(["decided", "apart"]);
    else if (decided) values.push(["join", decided.slice("join:".length)]);
    return values;
  }

  function plainly(photos) {
    const carrier = new DataTransfer();
    for (const photo of photos) carrier.items.add(photo instanceof File ? photo : new File([photo], "photo.jpg", { type: photo.type }));
    fields.photos.files = carrier.files;
    HTMLFormElement.prototype.submit.call(form);
  }

  function startAgain() {
    form.reset();
    for (const name of ["lat", "lon", "accuracy_m", "stop", "draft"]) fields[name].value = "";
    pictures.clear();
    place.clear();
    askAnew();
    newReport();
    showQuestions();
    try {
      sessionStorage.removeItem(KEPT);
    } catch {
      // Nothing was kept.
    }
  }
}
