"use strict";
// The page says everything without this: it adds a search and a choice of states.
const rows = [...document.querySelectorAll("tbody.places tr")];
const states = [...new Set(rows.map((row) => row.dataset.state))];
const bar = document.createElement("div");
bar.className = "filter";
const search = document.createElement("input");
search.type = "search";
search.setAttribute("aria-label", "Search places");
search.placeholder = "Search places";
bar.append(search);
const boxes = states.map((state) => {
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = true;
  const label = document.createElement("label");
  label.append(box, ` ${state}`);
  bar.append(label);
  return [state, box];
});
const shown = document.createElement("span");
shown.className = "soft";
shown.setAttribute("role", "status");
bar.append(shown);
const filter = () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set(boxes.filter(([, box]) => box.checked).map(([state]) => state));
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.has(row.dataset.state) || !words.every((word) => text.includes(word));
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = `${count} of ${rows.length}`;
};
bar.addEventListener("input", filter);
document.querySelector("table.places").before(bar);
filter();
