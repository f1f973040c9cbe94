// The shift: while it is on, and never else, the phone says where it is, and its screen stays awake where it can.
import { addPlace, recall, remember } from "./store.js";

const EVERY_MS = 10_000;
const LEAST_MS = 4_000;
const LONGEST_MS = 14 * 3600 * 1000; // a phone that was forgotten stops by itself
const FIX = { enableHighAccuracy: true, maximumAge: 2_000, timeout: 30_000 };

// on: since when, in ms, or 0. fix: the last position with its moment here, or null. error: "", "denied", or "lost"
// where the phone has tried in vain; it tells nothing new while it lies still, so a moment's failure says little.
export const shift = { on: 0, fix: null, error: "" };
let watch = null;
let asking = null;
let kept_at = 0;
let battery = null;
let lock = null;
let tell = () => {};

// Goes on with a shift that was on when the page was closed. onFix: called after each position and each failure.
export async function resume(onFix) {
  tell = onFix;
  const since = (await recall("shift")) || 0;
  if (since && Date.now() - since < LONGEST_MS) return begin(since);
  if (since) await remember("shift", 0);
}

export async function begin(since = Date.now()) {
  await remember("shift", since);
  Object.assign(shift, { on: since, fix: null, error: "" });
  if (!navigator.geolocation) {
    shift.error = "denied";
    return;
  }
  if (navigator.getBattery && !battery) battery = await navigator.getBattery().catch(() => null);
  watch = navigator.geolocation.watchPosition(take, fail, FIX);
  // A phone that lies still tells nothing by itself.
  asking = setInterval(() => {
    if (Date.now() - shift.on > LONGEST_MS) end();
    else if (Date.now() - kept_at >= EVERY_MS) navigator.geolocation.getCurrentPosition(take, fail, FIX);
  }, EVERY_MS);
  stayAwake();
}

export async function end() {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  clearInterval(asking);
  watch = asking = null;
  shift.on = 0;
  if (lock) lock.release().catch(() => {});
  lock = null;
  await remember("shift", 0);
  tell();
}

async function take(position) {
  if (!shift.on) return;
  const now = Date.now();
  const { coords, timestamp } = position;
  shift.error = "";
  shift.fix = { lat: coords.latitude, lon: coords.longitude, at: now };
  if (now - kept_at >= LEAST_MS) {
    kept_at = now;
    const line = { fixed_s: Math.round(timestamp) / 1000, lat: coords.latitude, lon: coords.longitude };
    if (coords.speed !== null && coords.speed >= 0) line.speed_mps = coords.speed;
    if (coords.heading !== null && coords.heading >= 0) line.course_deg = coords.heading;
    if (coords.accuracy !== null) line.accuracy_m = coords.accuracy;
    if (battery) line.battery_share = battery.level;
    await addPlace({ token: await recall("token"), line }).catch(() => {});
  }
  tell();
}

function fail(error) {
  shift.error = error.code === 1 ? "denied" : "lost";
  tell();
}

async function stayAwake() {
  if (!navigator.wakeLock || !shift.on || document.visibilityState !== "visible") return;
  lock = await navigator.wakeLock.request("screen").catch(() => null);
}
document.addEventListener("visibilitychange", stayAwake);
