// The proof camera: the page takes the photo itself and writes the one-time code into it. Without a camera, or without
// this script, the phone's own camera is asked for a file.
const LONGEST = 1600;
const byId = (id) => document.getElementById(id);
const form = byId("proof-form");

document.documentElement.classList.add("has-script");
if (form) begin();

function begin() {
  findPlace();
  const file = byId("proof-photo");
  file.addEventListener("change", () => {
    // `capture` asks the phone for its camera; only then does a fresh file count as taken by it.
    byId("proof-camera").value = fromCamera(file) ? "1" : "0";
  });
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    byId("proof-send").textContent = form.dataset.sending;
  });
  openCamera();
}

// Phones open the camera for an input with `capture`; desktops show a file list, whose pictures are older.
function fromCamera(file) {
  const picture = file.files[0];
  const handheld = matchMedia("(pointer: coarse)").matches;
  return Boolean(picture && handheld && Date.now() - picture.lastModified < 60_000);
}

function findPlace() {
  const state = byId("place-state");
  if (!navigator.geolocation) {
    state.textContent = form.dataset.noPlace;
    return;
  }
  navigator.geolocation.watchPosition(
    ({ coords }) => {
      byId("phone-lat").value = coords.latitude;
      byId("phone-lon").value = coords.longitude;
      byId("phone-accuracy").value = coords.accuracy;
      state.textContent = form.dataset.place.replace("{m}", String(Math.round(coords.accuracy)));
    },
    () => {
      state.textContent = form.dataset.noPlace;
    },
    { enableHighAccuracy: true, maximumAge: 10_000, timeout: 20_000 },
  );
}

async function openCamera() {
  const video = byId("viewer-video");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: "environment" }, width: { ideal: LONGEST } },
      audio: false,
    });
  } catch {
    byId("place-state").textContent = form.dataset.noCamera;
    return;
  }
  byId("viewer").hidden = false;
  byId("file-field").hidden = true;
  byId("proof-send").disabled = byId("shoot").disabled = true;
  video.addEventListener("loadeddata", () => (byId("shoot").disabled = false), { once: true });
  video.srcObject = stream;
  await video.play();
  byId("shoot").addEventListener("click", () => shoot(video));
  byId("again").addEventListener("click", () => turn(video, false));
  addEventListener("pagehide", () => stream.getTracks().forEach((track) => track.stop()));
}

function turn(video, taken) {
  const shot = byId("viewer-shot");
  shot.hidden = !taken;
  video.hidden = taken;
  byId("shoot").hidden = taken;
  byId("again").hidden = !taken;
  byId("proof-send").disabled = !taken;
  if (!taken) byId("proof-photo").value = "";
}

function shoot(video) {
  const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  const shot = byId("viewer-shot");
  shot.width = Math.round(video.videoWidth * scale);
  shot.height = Math.round(video.videoHeight * scale);
  const brush = shot.getContext("2d");
  brush.drawImage(video, 0, 0, shot.width, shot.height);
  writeCode(brush, shot);
  shot.toBlob(
    (blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "proof.jpg", { type: "image/jpeg" }));
      byId("proof-photo").files = files.files;
      byId("proof-camera").value = "1";
      turn(video, true);
      byId("proof-send").focus();
    },
    "image/jpeg",
    0.9,
  );
}

// The code and the moment stand in the picture itself, in a narrow strip at its foot.
function writeCode(brush, shot) {
  const height = Math.max(18, Math.round(shot.height / 24));
  brush.fillStyle = "rgb(0 0 0 / 65%)";
  brush.fillRect(0, shot.height - height, shot.width, height);
  brush.fillStyle = "#fff";
  brush.font = `600 ${Math.round(height * 0.62)}px monospace`;
  brush.textBaseline = "middle";
  const line = `${byId("proof-code").textContent}  ${new Date().toISOString().slice(0, 16).replace("T", " ")}Z`;
  brush.fillText(line, height * 0.4, shot.height - height / 2, shot.width - height);
}
