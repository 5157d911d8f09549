// When the network fails, the page stays as it is: say so, and let the person press again.
document.addEventListener("htmx:error", (event) => {
  const form = event.target.closest?.("form");
  const words = form?.querySelector(".trouble");
  if (words && event.target === form) words.hidden = false;
});
