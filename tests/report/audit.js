// What a page must hold for everybody: the rules of WCAG 2.2 AA that can be told by looking. Returns a list of complaints.
const wrong = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const visible = (e) => e.checkVisibility ? e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) : true;

if (!document.documentElement.lang) wrong.push("no language");
if (!document.title.trim()) wrong.push("no title");
if (all("h1").length !== 1) wrong.push(`${all("h1").length} first headings`);
for (const landmark of ["header", "nav[aria-label]", "main", "footer"])
  if (all(landmark).length !== 1) wrong.push(`landmark ${landmark}: ${all(landmark).length}`);
let level = 0;
for (const heading of all("h1,h2,h3,h4,h5,h6")) {
  const now = Number(heading.tagName[1]);
  if (now > level + 1) wrong.push(`heading "${heading.textContent.trim()}" jumps from ${level} to ${now}`);
  level = now;
}
for (const table of all("table")) {
  if (!table.caption || !table.caption.textContent.trim()) wrong.push("a table without a caption");
  for (const head of table.querySelectorAll("th")) if (!head.scope) wrong.push(`heading "${head.textContent}" without a scope`);
  for (const row of table.tBodies[0].rows)
    if (row.cells.length !== table.tHead.rows[0].cells.length) wrong.push(`a row of ${row.cells.length} cells: ${row.textContent}`);
}
for (const picture of all("svg")) {
  const named = (picture.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id));
  if (picture.getAttribute("role") !== "img" || named.length < 2 || named.some((e) => !e || !e.textContent.trim()))
    wrong.push("a picture without a name and a description");
}
const ids = all("[id]").map((e) => e.id);
if (new Set(ids).size !== ids.length) wrong.push("an id that is not unique");
for (const link of all("a[href^='#']"))
  if (!document.getElementById(link.hash.slice(1))) wrong.push(`${link.hash} leads nowhere`);
for (const e of all("[aria-labelledby]"))
  for (const id of e.getAttribute("aria-labelledby").split(" ")) if (!document.getElementById(id)) wrong.push(`no label ${id}`);
for (const e of all("[tabindex]")) {
  if (e.tabIndex > 0) wrong.push("an order of its own for the keyboard");
  if (e.tabIndex === 0 && !e.getAttribute("aria-label")) wrong.push(`a place for the keyboard without a name: ${e.className}`);
}
for (const e of all("body *"))
  if (visible(e) && e.scrollWidth > e.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0)
    wrong.push(`scrolls, but not by the keyboard: ${e.className}`);
if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push(`wider than the window: ${document.documentElement.scrollWidth}`);

const channel = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const colour = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const behind = (e) => {
  for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
  return [255, 255, 255, 1];
};
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const told = new Set();
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !visible(e) || ["title", "desc"].includes(e.tagName)) continue;
  const style = getComputedStyle(e);
  const [a, b] = [luminance(colour(e.closest("svg") ? style.fill : style.color)), luminance(behind(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  const what = `contrast ${ratio.toFixed(2)} of .${e.getAttribute("class") || e.tagName}: "${walk.currentNode.data.trim().slice(0, 40)}"`;
  if (ratio < needed && !told.has(e.className)) { told.add(e.className); wrong.push(what); }
}
return wrong;
