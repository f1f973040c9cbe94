// The live stream. A browser allows few connections to one server, and each open stream holds one; so one tab listens
// and tells the others, where the browser can do that.
const REMEMBERED = 300;
const AGAIN_MS = 5_000;
// The server says something at least every quarter of a minute; a line that is silent for longer is dead.
const SILENT_MS = 40_000;

/**
 * Listen to the desk. url: of the stream; since: the last event that the page knows.
 * onEvent({id, kind, case, code}), onState("live" | "lost"), onGap(): some events may have been missed.
 */
export function listen({ url, since, onEvent, onState, onGap }) {
  const stream = new Stream({ url, since, onEvent, onState, onGap });
  stream.start();
  return stream;
}

class Stream {
  constructor({ url, since, onEvent, onState, onGap }) {
    Object.assign(this, { url, onEvent, onState, onGap });
    this.last = since;
    this.seen = new Set();
    this.told = [];
    this.state = "";
    this.leads = false;
  }

  start() {
    addEventListener("offline", () => {
      this.source?.close();
      clearTimeout(this.silence);
      this.show("lost");
    });
    addEventListener("online", () => (this.source ? this.open() : this.channel?.postMessage({ what: "since", id: this.last })));
    if (!("locks" in navigator) || !("BroadcastChannel" in window)) {
      this.open();
      return;
    }
    this.channel = new BroadcastChannel("saat-live");
    this.channel.onmessage = ({ data }) => this.heard(data);
    this.channel.postMessage({ what: "since", id: this.last });
    // Whoever holds the lock listens; when that tab is closed, the next one in the queue goes on where it ended.
    navigator.locks.request("saat-live", () => {
      this.leads = true;
      this.open();
      return new Promise(() => {});
    });
  }

  open() {
    this.source?.close();
    const url = new URL(this.url, location.href);
    url.searchParams.set("since", this.last);
    this.source = new EventSource(url);
    this.hear();
    this.source.addEventListener("beat", () => this.hear());
    this.source.addEventListener("hello", (event) => {
      this.hear();
      this.become("live");
      if (JSON.parse(event.data).missed_some) {
        this.onGap();
        this.channel?.postMessage({ what: "gap" });
      }
    });
    this.source.onmessage = (event) => {
      this.hear();
      const told = { ...JSON.parse(event.data), id: Number(event.lastEventId) };
      this.told.push(told);
      if (this.told.length > REMEMBERED) this.told.shift();
      this.take(told);
      this.channel?.postMessage({ what: "event", told });
    };
    this.source.onerror = () => {
      this.become("lost");
      if (this.source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      this.source.close();
      setTimeout(() => this.open(), AGAIN_MS);
    };
  }

  hear() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.become("lost");
      this.open();
    }, SILENT_MS);
  }

  take(told) {
    if (this.seen.has(told.id)) return;
    this.seen.add(told.id);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value);
    this.last = Math.max(this.last, told.id);
    this.onEvent(told);
  }

  heard(data) {
    if (data.what === "event") this.take(data.told);
    if (data.what === "state") this.show(data.state);
    if (data.what === "gap") this.onGap();
    if (data.what === "since" && this.leads) {
      // A page that was made before some events and began to listen after them.
      this.channel.postMessage({ what: "state", state: this.state });
      for (const told of this.told) if (told.id > data.id) this.channel.postMessage({ what: "event", told });
    }
  }

  become(state) {
    this.state = state;
    this.show(state);
    this.channel?.postMessage({ what: "state", state });
  }

  show(state) {
    if (state && state !== this.shown) this.onState(state);
    this.shown = state || this.shown;
  }
}
