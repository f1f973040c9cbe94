// Keys of the form: digits choose what it is, Enter goes on, Ctrl+Enter keeps it, "/" leads to the caller's code.
const ELSEWHERE = 'input:not([name="service_code"]), textarea, select';

export function startKeys(form) {
  for (const help of document.querySelectorAll(".keys-help")) help.hidden = false;
  const cards = new Map(
    [...form.querySelectorAll("input[data-key]")].map((radio) => [radio.dataset.key, radio]),
  );

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && event.ctrlKey) {
      event.preventDefault();
      form.requestSubmit ? form.requestSubmit() : form.submit();
      return;
    }
    if (event.ctrlKey || event.target.matches(ELSEWHERE)) return;
    const card = cards.get(event.key);
    if (card) {
      event.preventDefault();
      card.checked = true;
      card.dispatchEvent(new Event("change", { bubbles: true }));
      document.getElementById("where").focus();
    } else if (event.key === "/") {
      event.preventDefault();
      document.getElementById("code").focus();
    }
  });

  // A caller's words must not be sent half-way by a key that elsewhere ends a line.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.isComposing || event.defaultPrevented) return;
    if (!event.target.matches("input")) return;
    event.preventDefault();
    const stops = [...form.querySelectorAll("input:not([type=hidden]), textarea, button[type=submit]")].filter(
      (each) => !each.disabled && each.offsetParent !== null && (each.type !== "radio" || each.checked || isFirst(each)),
    );
    const next = stops.slice(stops.indexOf(event.target) + 1).find((each) => each.name !== event.target.name);
    if (next) next.focus();
  });
}

function isFirst(radio) {
  const group = radio.form.elements[radio.name];
  return !("value" in group && group.value) && (group[0] || group) === radio;
}
