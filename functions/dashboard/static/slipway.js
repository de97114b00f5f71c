// Every page works without scripts. This fits htmx to the pages.
"use strict";

// The stream repeats what the page has already: each row of a timeline has the id of its event.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const row = new DOMParser().parseFromString(event.detail.data, "text/html").body.firstElementChild;
  if (row && row.id && document.getElementById(row.id)) event.preventDefault();
});
