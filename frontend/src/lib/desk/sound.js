// A short tone for new cases, for rooms where nobody looks at the screen all the time. Off until somebody wants it.
import { texts } from "./texts.js";

const ON = "saat-sound";

/** Let the button turn the tone on and off, and sound it when a new case appears. */
export function soundFor(button) {
  let context = null;
  let on = read();
  const show = () => {
    button.textContent = on ? texts().sound_on : texts().sound_off;
    button.setAttribute("aria-pressed", String(on));
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    on = !on;
    write(on);
    show();
    if (on) tone();
  });
  document.addEventListener("saat:new-case", () => on && tone());

  function tone() {
    context ||= new AudioContext();
    for (const [start, pitch] of [[0, 660], [0.16, 880]]) {
      const wave = context.createOscillator();
      const loud = context.createGain();
      const at = context.currentTime + start;
      wave.frequency.value = pitch;
      loud.gain.setValueAtTime(0.0001, at);
      loud.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + 0.14);
      wave.connect(loud).connect(context.destination);
      wave.start(at);
      wave.stop(at + 0.15);
    }
  }
}

function read() {
  try {
    return localStorage.getItem(ON) === "1";
  } catch {
    return false;
  }
}

function write(on) {
  try {
    localStorage.setItem(ON, on ? "1" : "0");
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}
