// When the network fails, the page stays as it is: say so, and let the person press again.
document.addEventListener("htmx:error", ({ target }) => {
  if (target.matches?.("form")) target.querySelector(".trouble")?.removeAttribute("hidden");
});

// Enter on a face or a tick is a person choosing, not sending.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[type=radio], [type=checkbox]")) event.preventDefault();
});
