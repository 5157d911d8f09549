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

// A person who reloads a case's page stays the same client, so the answers given before can be changed. The browser
// keeps the client id in this tab, under a hash of the address, until the answer is final.
const CLIENT = "vidhuk-client-";
const nameOf = async (path) => {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(path.toLowerCase()));
  return CLIENT + Array.from(new Uint8Array(hash).slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
};
const keepClient = async () => {
  const field = document.querySelector("#answers [name=client_id]");
  if (!field) {
    Object.keys(sessionStorage).filter((name) => name.startsWith(CLIENT)).forEach((name) => sessionStorage.removeItem(name));
  } else if (/^\/s\//i.test(location.pathname) && crypto.subtle) { // which there is only on https and on one's own machine
    const name = await nameOf(location.pathname);
    field.value = sessionStorage.getItem(name) ?? field.value;
    sessionStorage.setItem(name, field.value);
  }
};
const tryToKeepClient = () => keepClient().catch(() => {}); // a browser may forbid to store; then a reload begins anew
document.addEventListener("htmx:after:swap", tryToKeepClient);
tryToKeepClient();
