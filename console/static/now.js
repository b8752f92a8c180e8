/** Replaces the content of the page "Now" with each event of the stream. */

const content = document.querySelector("#live");
if (content) {
  const source = new EventSource("/console/live");
  source.addEventListener("now", ({ data }) => {
    // The service has rendered and escaped it.
    const scrolled = new Map(
      [...content.querySelectorAll(".scroll")].map((each) => [
        each.getAttribute("aria-label"),
        each.scrollLeft,
      ]),
    );
    const focused = document.activeElement?.getAttribute("aria-label");
    content.innerHTML = data;
    for (const each of content.querySelectorAll(".scroll")) {
      const label = each.getAttribute("aria-label");
      each.scrollLeft = scrolled.get(label) ?? 0;
      if (label === focused) each.focus({ preventScroll: true });
    }
  });
  source.addEventListener("ended", () => {
    source.close();
    location.assign("/console/sign-in?ended=1");
  });
  addEventListener("pagehide", () => source.close());
}
