// What plain HTML cannot do. Every page works without it.
(() => {
  "use strict";

  // A region that asks for itself again waits while nobody looks, or while somebody is using it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const region = event.detail.elt;
    if (!(region.getAttribute("hx-trigger") || "").startsWith("every")) return;
    const inUse = region.querySelector(":popover-open, :focus-visible");
    if (document.hidden || inUse) event.preventDefault();
  });

  // After a page of rows was exchanged by hand, reading goes on at its beginning.
  document.addEventListener("htmx:afterSettle", (event) => {
    const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (!asked || asked.tagName !== "A") return;
    const start = event.detail.elt.querySelector("[data-start]");
    if (start) start.focus({ preventScroll: true });
  });

  // Browsers without CSS anchors: put a menu below its button.
  if (!CSS.supports("position-area: bottom")) {
    document.addEventListener("toggle", (event) => {
      const menu = event.target;
      if (event.newState !== "open" || !menu.matches(".menu[popover]") || matchMedia("(max-width: 39.99rem)").matches) return;
      const button = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
      const room = document.documentElement;
      const below = button.bottom + menu.offsetHeight < room.clientHeight;
      menu.style.inset = "auto";
      menu.style.top = `${below ? button.bottom + 4 : Math.max(4, button.top - menu.offsetHeight - 4)}px`;
      menu.style.left = `${Math.max(4, Math.min(button.right, room.clientWidth - 4) - menu.offsetWidth)}px`;
    }, true);
  }

  // Print needs a script: its button shows where there is one, also after a region was swapped.
  const showPrint = () => { for (const button of document.querySelectorAll("[data-print]")) button.hidden = false; };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });
  document.addEventListener("htmx:afterSettle", showPrint);
  showPrint();
})();
