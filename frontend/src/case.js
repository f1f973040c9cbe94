// The page of one case: the map when it comes into view, keys for what is done often. All of it works without.
import { showMap } from "./lib/resident/citymap.js";
import { listenForKeys } from "./lib/case/keys.js";
import { listen } from "./lib/desk/stream.js";

document.documentElement.classList.add("has-script");

const failed = document.getElementById("failed");
if (failed) {
  failed.scrollIntoView({ block: "center" });
  failed.focus({ preventScroll: true });
}

// A link to an act, such as #act-assign, opens its form.
function openNamed() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.tagName === "DETAILS") named.open = true;
  if (named) named.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", openNamed);
openNamed();

// One double click is one act.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
  });
}

listenForKeys(document.getElementById("keys"));

// What others do meanwhile is said at once; the page itself stays as it is, with what was typed.
const page = document.getElementById("case");
if (page) {
  const news = document.getElementById("case-news");
  const tell = () => {
    if (!news.hidden) return;
    const link = Object.assign(document.createElement("a"), { href: location.pathname, textContent: news.dataset.link });
    news.append(`${news.dataset.text} `, link);
    news.hidden = false;
  };
  listen({
    url: "/desk/live?plain=1",
    since: Number(page.dataset.since),
    onEvent: (told) => String(told.case) === page.dataset.case && told.id > Number(page.dataset.since) && tell(),
    onState: () => {},
    onGap: tell,
  });
}

const box = document.getElementById("case-map");
let shown = null;

function placed() {
  return box.dataset.lat ? { lat: Number(box.dataset.lat), lon: Number(box.dataset.lon) } : null;
}

function show(onTap) {
  box.hidden = false;
  shown ||= showMap({ box, element: box, areas: box.dataset.areas, start: placed(), onTap: (point) => tapped(point) });
  if (onTap) tapped = onTap;
  return shown.catch(() => {
    box.hidden = true;
    shown = null;
  });
}
let tapped = () => {};

if (box) {
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", box.dataset.label);
  if (box.dataset.lat) {
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        seen.disconnect();
        show();
      }
    });
    box.hidden = false;
    seen.observe(box);
  }
  const pick = document.getElementById("pick-place");
  if (pick) {
    pick.hidden = false;
    pick.addEventListener("click", async () => {
      const hint = document.getElementById("pick-hint");
      hint.textContent = pick.dataset.hint;
      await show((point) => {
        document.getElementById("change-lat").value = point.lat.toFixed(6);
        document.getElementById("change-lon").value = point.lon.toFixed(6);
        hint.textContent = "";
        document.getElementById("act-change").scrollIntoView({ block: "center" });
      });
      box.scrollIntoView({ block: "center" });
    });
  }
}
