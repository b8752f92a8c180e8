/** On every page: asks before what cannot be taken back, and tells times in the viewer's zone. */

document.addEventListener("submit", (event) => {
  const { confirm: question } = event.target.dataset;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time");
  if (!time) return;
  time.title = new Date(time.dateTime).toLocaleString([], {
    dateStyle: "medium",
    timeStyle: "long",
  });
});
