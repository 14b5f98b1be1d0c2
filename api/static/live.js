// Keeps a page about something that runs up to date: only the parts that changed are put anew, so that neither place nor focus is lost.
"use strict";
const EVERY = 2000;

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of document.querySelectorAll("[data-part]")) replace(part, fresh);
        if (!fresh.querySelector("main[data-live]")) return;
      }
    } catch {
      // the API is away for a moment: what is shown stays, and is asked for again
    }
  }
  setTimeout(look, EVERY);
}

function replace(part, page) {
  const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
  const busy = part.contains(document.activeElement) || part.querySelector("details[open]");
  if (fresh && !busy && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
}

setTimeout(look, EVERY);
