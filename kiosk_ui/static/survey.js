// When the network or the service fails, the page stays as it is: say so, and let the person press again.
const tell = ({ target, detail }) => {
  const failed = !detail.ctx?.response || detail.ctx.response.status >= 500;
  if (failed && target.matches?.("form")) target.querySelector(".trouble")?.removeAttribute("hidden");
};
document.addEventListener("htmx:error", tell);
document.addEventListener("htmx:response:error", tell);

// The title is not in what is put in place; it has the language of the whole document.
document.addEventListener("htmx:after:swap", () => { document.documentElement.lang = document.querySelector("#page").lang; });

// Enter on a face or a tick is a person choosing, not sending.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[type=radio], [type=checkbox]")) event.preventDefault();
});
