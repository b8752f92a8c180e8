/** Replaces the content of the page "Now" with each event of the stream, and says when none comes. */

/** Readings come every two seconds. */
const SILENCE_MS = 8_000;
const RETRY_MS = 5_000;

const content = document.querySelector("#live");
const state = document.querySelector("#live-state");
let silence;

function saySilent() {
  const since = new Date(content.dataset.at ?? Date.now()).toLocaleTimeString();
  state.textContent = `Not live: the service sends nothing. This was so at ${since}.`;
}

function show(html) {
  clearTimeout(silence);
  silence = setTimeout(saySilent, SILENCE_MS);
  state.textContent = "";
  content.dataset.at = new Date().toISOString();
  const scrolled = new Map(
    [...content.querySelectorAll(".scroll")].map((each) => [
      each.getAttribute("aria-label"),
      each.scrollLeft,
    ]),
  );
  const focused = document.activeElement?.getAttribute("aria-label");
  // The service has rendered and escaped it.
  content.innerHTML = html;
  for (const each of content.querySelectorAll(".scroll")) {
    const label = each.getAttribute("aria-label");
    each.scrollLeft = scrolled.get(label) ?? 0;
    if (label === focused) each.focus({ preventScroll: true });
  }
}

function connect() {
  const source = new EventSource("/console/live");
  source.addEventListener("now", ({ data }) => show(data));
  source.addEventListener("ended", () => {
    source.close();
    location.assign("/console/sign-in?ended=1");
  });
  source.addEventListener("error", () => {
    saySilent();
    // The browser itself connects again, except where the answer was no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
  addEventListener("pagehide", () => source.close());
}

if (content) {
  content.dataset.at = new Date().toISOString();
  silence = setTimeout(saySilent, SILENCE_MS);
  connect();
}
