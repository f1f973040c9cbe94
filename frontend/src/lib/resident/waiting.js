// The list of this phone's reports: what waits, what was sent, what could not be taken in.
import { all, flush, forget, hurry, onChange } from "./outbox.js";
import { fill, make, say } from "./texts.js";

const LOOK_AGAIN_MS = 5_000;

export function startWaiting() {
  const section = document.getElementById("outbox");
  const list = document.getElementById("outbox-list");
  const language = document.documentElement.lang;
  let waiting = 0;
  let beingSent = ""; // the one that the form is sending now is not shown as one that waits

  async function draw() {
    const kept = await all().catch(() => []);
    waiting = kept.filter((report) => report.state === "waiting").length;
    const reports = kept.filter((report) => report.id !== beingSent);
    section.hidden = reports.length === 0;
    fill(list, ...reports.reverse().map(row));
  }

  function row(report) {
    const time = new Date(report.made_at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
    const lines = [make("strong", { textContent: report.what || "" }), make("span", { textContent: ` · ${say("said_at", { time })}` })];
    const count = report.photos.length;
    if (count) lines.push(` · ${say(count === 1 ? "with_photo" : "with_photos", { count })}`);
    const buttons = make("div", { className: "row" });
    let state = say("waiting_one");
    if (report.state === "sent") {
      state = say("sent_one", { code: report.code });
      buttons.append(make("a", { className: "button", href: report.url, textContent: say("open") }));
      buttons.append(button(say("forget"), () => forget(report.id)));
    } else {
      if (report.state === "refused") state = say("refused_one", { why: (report.why || []).join(" ") || say("too_large") });
      else buttons.append(button(say("try_now"), hurry));
      buttons.append(button(say("cancel"), () => confirm(say("cancel_sure")) && forget(report.id)));
    }
    const item = make("li", {}, make("p", {}, ...lines), make("p", { className: "status", textContent: state }), buttons);
    item.dataset.state = report.state;
    return item;
  }

  function button(text, act) {
    const element = make("button", { type: "button", className: "button plain", textContent: text });
    element.addEventListener("click", act);
    return element;
  }

  // Who looks at the page again, or has a connection again, does not wait for the next turn.
  const tryNow = () => waiting && hurry().catch(() => {});
  onChange(draw);
  window.addEventListener("online", tryNow);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tryNow());
  setInterval(() => waiting && flush().catch(() => {}), LOOK_AGAIN_MS);
  draw().then(tryNow);
  return {
    begin(id) {
      beingSent = id;
    },
    show() {
      beingSent = "";
      return draw().then(() => section.scrollIntoView({ block: "start" }));
    },
  };
}

// Lets the browser send what waits even after the page was closed, where it can.
export async function wakeLater() {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration();
  if (registration && registration.sync) await registration.sync.register("outbox").catch(() => {});
}
