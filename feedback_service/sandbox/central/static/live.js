// Keeps what is shown fresh; buttons and fields stay untouched. Without scripts the page reloads itself.
const live = document.getElementById("live");
const offline = document.querySelector(".offline");

async function refresh() {
  const reading = !getSelection().isCollapsed && live.contains(getSelection().anchorNode);
  if (!document.hidden && !reading) {
    const { seen } = live.querySelector("[data-seen]").dataset;
    try {
      const reply = await fetch(`${live.dataset.source}&seen=${seen}`, { cache: "no-store" });
      if (!reply.ok) throw new Error(reply.status);
      live.innerHTML = await reply.text();
      if (offline.textContent) offline.textContent = "";
    } catch {
      if (!offline.textContent) offline.textContent = offline.dataset.said;
    }
  }
  setTimeout(refresh, 1500);
}

setTimeout(refresh, 1500);
