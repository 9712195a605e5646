// Says beside a part that is kept up to date whether it is.
(() => {
  const tell = (state) => {
    for (const mark of document.querySelectorAll("[data-live]")) {
      if (mark.dataset.live === state) continue;
      mark.dataset.live = state;
      mark.hidden = false;
      mark.textContent = mark.dataset[state];
    }
  };
  document.addEventListener("htmx:sseOpen", () => tell("on"));
  document.addEventListener("htmx:sseError", () => tell("off"));
  document.addEventListener("htmx:sseClose", () => tell("off"));
})();
