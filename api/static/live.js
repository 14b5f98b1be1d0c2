// Keeps a page about something that runs up to date: what is shown becomes what is new node by node, so that place, focus and what is unfolded stay.
"use strict";
const EVERY = 2000;

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of document.querySelectorAll("[data-part]")) {
          const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
          if (fresh) update(part, fresh);
        }
        if (!page.querySelector("main[data-live]")) return;
      }
    } catch {
      // the API is away for a moment: what is shown stays, and is asked for again
    }
  }
  setTimeout(look, EVERY);
}

function update(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  if (shown.nodeType !== Node.ELEMENT_NODE) { shown.nodeValue = fresh.nodeValue; return; }
  const kept = shown.nodeName === "DETAILS" ? "open" : ""; // whoever has unfolded it wants it so
  for (const { name } of [...shown.attributes]) if (name !== kept && !fresh.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (name !== kept && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  const had = bySubject(shown.childNodes), wanted = [...fresh.childNodes].map((one) => [one, had.get(subject(one))?.shift()]);
  for (const gone of had.values()) gone.forEach((one) => one.remove());
  wanted.forEach(([one, old], place) => {
    const node = old ?? document.importNode(one, true);
    if (old) update(old, one);
    if (shown.childNodes[place] !== node) shown.insertBefore(node, shown.childNodes[place] ?? null);
  });
}

function bySubject(nodes) {
  const found = new Map();
  for (const one of nodes) {
    const about = subject(one);
    if (found.has(about)) found.get(about).push(one);
    else found.set(about, [one]);
  }
  return found;
}

// What a node is about: what it is, and where it leads or what it sends; a row or an item is about what its first link leads to.
function subject(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  const one = node.matches("tr, li") ? node.querySelector("[href], [action]") : node;
  return [node.nodeName, node.getAttribute("class"), one?.getAttribute("href"), one?.getAttribute("action")].join(" ");
}

setTimeout(look, EVERY);
