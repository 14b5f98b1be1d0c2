// Sends a form once: a double click would make the same again, and show the answer to the second request only.
"use strict";
const WINDOW = 2000; // milliseconds after which a form may be sent again, as the first answer may never come

for (const form of document.querySelectorAll("[data-once]")) {
  let sent = -Infinity;
  form.addEventListener("submit", (event) => {
    const now = Date.now();
    if (now - sent < WINDOW) event.preventDefault();
    else sent = now;
  });
}
