// Times that count down, without being announced every second.

import { h } from "./dom.js";

/** How long it is until a Unix time, kept current. */
export function until(seconds, { past = "expired" } = {}) {
  const element = h("span", {
    class: "countdown",
    "data-until": seconds,
    "data-past": past,
    "aria-live": "off",
  });
  draw(element);
  return element;
}

function draw(element) {
  const left = Math.round(element.dataset.until - Date.now() / 1000);
  element.textContent = left > 0 ? inWords(left) : element.dataset.past;
  element.classList.toggle("over", left <= 0);
}

function inWords(seconds) {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min left`;
  const rest = String(seconds % 60).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest} left`;
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-until]")) draw(element);
}, 1000);
