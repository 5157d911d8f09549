// When the network or the service fails, the page stays as it is and shows a message, and the person can press again.
const tell = ({ target, detail }) => {
  const failed = !detail.ctx?.response || detail.ctx.response.status >= 500;
  if (failed && target.matches?.("form")) target.querySelector(".trouble")?.removeAttribute("hidden");
};
document.addEventListener("htmx:error", tell);
document.addEventListener("htmx:response:error", tell);

// htmx replaces only #page, so the language of the document is set here, for the title.
document.addEventListener("htmx:after:swap", () => { document.documentElement.lang = document.querySelector("#page").lang; });

// The Enter key on a radio button or check box must not send the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[type=radio], [type=checkbox]")) event.preventDefault();
});
