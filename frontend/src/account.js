// Passkeys: adding one, signing in with one, and showing once more that it is you.
//
// The server's options and our answer are JSON in which every run of bytes is base64url text; the browser wants and
// gives buffers. A form with data-passkey says what it is for; it works once this script has found that it can.
(() => {
  const bytes = (text) => {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
  };

  const text = (buffer) => {
    let binary = "";
    new Uint8Array(buffer).forEach((byte) => {
      binary += String.fromCharCode(byte);
    });
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const known = (list) => (list || []).map((one) => Object.assign({}, one, { id: bytes(one.id) }));

  async function added(options) {
    const wanted = options.creation_options.publicKey;
    const credential = await navigator.credentials.create({
      publicKey: Object.assign({}, wanted, {
        challenge: bytes(wanted.challenge),
        user: Object.assign({}, wanted.user, { id: bytes(wanted.user.id) }),
        excludeCredentials: known(wanted.excludeCredentials),
        // A passkey signs in by itself: the device keeps the name with it, and asks who is holding it.
        authenticatorSelection: Object.assign({}, wanted.authenticatorSelection, {
          residentKey: "required",
          requireResidentKey: true,
          userVerification: "required",
        }),
      }),
    });
    const answer = credential.response;
    return whole(credential, {
      attestationObject: text(answer.attestationObject),
      clientDataJSON: text(answer.clientDataJSON),
      transports: answer.getTransports ? answer.getTransports() : [],
    });
  }

  async function shown(options) {
    const wanted = options.request_options.publicKey;
    const credential = await navigator.credentials.get({
      publicKey: Object.assign({}, wanted, {
        challenge: bytes(wanted.challenge),
        allowCredentials: known(wanted.allowCredentials),
      }),
    });
    const answer = credential.response;
    return whole(credential, {
      authenticatorData: text(answer.authenticatorData),
      clientDataJSON: text(answer.clientDataJSON),
      signature: text(answer.signature),
      userHandle: answer.userHandle ? text(answer.userHandle) : null,
    });
  }

  const whole = (credential, response) => ({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment || null,
    clientExtensionResults: credential.getClientExtensionResults ? credential.getClientExtensionResults() : {},
    response,
  });

  async function optionsFor(form) {
    if (form.dataset.passkey !== "sign-in") {
      return JSON.parse(document.getElementById("passkey-options").textContent);
    }
    const answer = await fetch(form.action, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(`options: ${answer.status}`);
    return answer.json();
  }

  const whatWasWrong = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known", SecurityError: "address" };

  function say(form, what) {
    const place = form.querySelector("[data-passkey-fault]");
    place.textContent = place.dataset[what];
    place.hidden = false;
  }

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const button = form.querySelector("button[type=submit]");
    if (!window.isSecureContext) {
      say(form, "address");
      return;
    }
    if (!window.PublicKeyCredential || !navigator.credentials) {
      say(form, "unknown");
      return;
    }
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      form.querySelector("[data-passkey-fault]").hidden = true;
      try {
        const options = await optionsFor(form);
        const credential = await (form.dataset.passkey === "add" ? added(options) : shown(options));
        form.elements.credential.value = JSON.stringify(credential);
        form.submit();
      } catch (error) {
        button.disabled = false;
        say(form, whatWasWrong[error.name] || "failed");
      }
    });
  });
})();

// A button that copies what a field holds, where the browser can.
document.querySelectorAll("[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.querySelector(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
    } catch (refused) {
      field.select();
    }
  });
});
