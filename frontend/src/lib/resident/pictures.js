// The photos of the report at hand: chosen in one go or one by one, shown, and taken out again.
import { shrink } from "./photo.js";
import { fill, make, say } from "./texts.js";

export function startPictures(form) {
  const input = form.querySelector("#photos");
  const list = form.querySelector("#previews");
  const fault = form.querySelector("#photos-fault");
  const most = Number(form.dataset.most);
  let photos = [];
  let work = Promise.resolve();

  function tell(message) {
    fault.textContent = message;
    fault.hidden = !message;
  }

  function draw() {
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    fill(
      list,
      ...photos.map((photo, i) => {
        const number = i + 1;
        const image = make("img", { src: URL.createObjectURL(photo), alt: say("photo_alt", { number }) });
        const remove = make("button", { type: "button", textContent: say("photo_remove", { number }) });
        remove.addEventListener("click", () => {
          photos = photos.filter((each) => each !== photo);
          tell("");
          draw();
          (list.querySelector("button") || input).focus();
        });
        return make("li", {}, image, remove);
      }),
    );
  }

  input.addEventListener("change", () => {
    const chosen = [...input.files];
    input.value = "";
    tell(chosen.length + photos.length > most ? say("photo_most") : "");
    work = work.then(async () => {
      for (const file of chosen.slice(0, most - photos.length)) photos.push(await shrink(file));
      draw();
    });
  });

  return {
    // Resolves with the photos once all are made small.
    taken: () => work.then(() => photos),
    clear() {
      photos = [];
      draw();
    },
  };
}
