// Writing down a call: one hand on the telephone, the other on the keys. Without this script the form works as it is.
import { startCombo } from "./lib/phone/combo.js";
import { startKeys } from "./lib/phone/keys.js";
import { startMap } from "./lib/phone/map.js";
import { startNear } from "./lib/phone/near.js";

const form = document.getElementById("call");
if (form) {
  const near = startNear(form);
  const map = startMap(form, { changed: near.soon });
  startCombo(form, { changed: near.soon, show: map.show });
  startKeys(form);
}
