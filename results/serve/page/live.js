"use strict";
// A live page shows what the server sends: fragments of HTML that the server made, each for the element of its name.
const live = document.getElementById("live");
const lost = document.getElementById("link");
const source = new EventSource(live.dataset.events);
const show = (name) => source.addEventListener(name, (event) => {
  const made = new DOMParser().parseFromString(event.data, "text/html");
  document.getElementById(name).replaceChildren(...made.body.childNodes);
});
for (const name of ["now", "lanes", "found", "verdict"]) show(name);
source.addEventListener("open", () => { lost.hidden = true; });
source.addEventListener("error", () => { lost.hidden = false; });
source.addEventListener("verdict", () => { source.close(); lost.hidden = true; live.classList.add("over"); });
