// Sends a form and shows the answer above it, so that secrets that were entered stay in their fields. Without scripts the page is loaded anew.
"use strict";
for (const form of document.querySelectorAll("[data-form]")) {
  let sending = false; // no button is disabled meanwhile: the one that was pressed would lose the focus
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    const body = new URLSearchParams(new FormData(form, event.submitter)), result = document.querySelector("[data-result]");
    result.textContent = event.submitter?.value === "test" ? "Signing in …" : "Saving …";
    try {
      const answer = await fetch(location.href, { method: "POST", body, headers: { Accept: "text/html" } });
      if (answer.redirected) { location.assign(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const said = page.querySelector("[data-result]") ?? page.querySelector("main");
      result.replaceChildren(...document.importNode(said, true).childNodes);
      result.scrollIntoView({ block: "nearest" });
    } catch {
      result.textContent = "The API cannot be reached; nothing was saved. Try again.";
    } finally {
      sending = false;
    }
  });
}
