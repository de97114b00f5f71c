// Every page works without scripts. This fits htmx to the pages.
"use strict";

// The stream repeats what the page has already: each row of a timeline has the id of its event.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const row = new DOMParser().parseFromString(event.detail.data, "text/html").body.firstElementChild;
  if (row && row.id && document.getElementById(row.id)) event.preventDefault();
});

// After a form was sent by htmx, read out what came of it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "main") event.target.querySelector("[role=alert], [role=status]")?.focus();
});
