// Passkeys need a script: their forms show where there is one that can.
(() => {
  "use strict";
  if (!window.PublicKeyCredential || !window.webauthnJSON) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const trouble = form.querySelector("[data-trouble]");
    form.addEventListener("submit", async (event) => {
      const field = form.elements.namedItem("credential");
      if (field.value) return;
      event.preventDefault();
      trouble.hidden = true;
      try {
        const options = JSON.parse(form.dataset.options);
        const made = form.dataset.passkey === "add" ? await webauthnJSON.create(options) : await webauthnJSON.get(options);
        field.value = JSON.stringify(made);
        form.submit();
      } catch {
        trouble.hidden = false;
      }
    });
  }
})();
