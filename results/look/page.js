"use strict";
// Heads of sortable tables become buttons. A cell is ordered by its data-key, else by its text; what has none comes last, either way.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
  const key = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    const said = "key" in cell.dataset ? cell.dataset.key : cell.textContent.trim();
    return said === "" || Number.isNaN(Number(said)) ? said : Number(said);
  };
  const compare = (a, b) => {
    if (typeof a === "number") return typeof b === "number" ? a - b : -1;
    return typeof b === "number" ? 1 : a.localeCompare(b, "en", { numeric: true });
  };
  heads.forEach((head, column) => {
    if ("plain" in head.dataset) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const first = head.classList.contains("num") ? "descending" : "ascending";
      const now = was === null ? first : was === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", now);
      for (const body of table.tBodies) {
        const rows = Array.from(body.rows, (row) => ({ row, key: key(row, column) }));
        rows.sort((a, b) => {
          if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
          return now === "ascending" ? compare(a.key, b.key) : compare(b.key, a.key);
        });
        body.append(...rows.map((r) => r.row));
      }
    });
  });
}
// What is folded is opened for print, where the browser's style sheets cannot, and folded again after it.
let opened = [];
addEventListener("beforeprint", () => {
  opened = Array.from(document.querySelectorAll("details:not([open]):not([name])"));
  for (const d of opened) d.open = true;
});
addEventListener("afterprint", () => {
  for (const d of opened) d.open = false;
  opened = [];
});
