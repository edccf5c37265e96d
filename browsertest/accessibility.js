// What can be checked of a view by computing: contrast, headings, tables, sizes,
// drawings. It returns what is wrong, one line each. The names of controls are
// checked against the browser's own accessibility tree.
(() => {
  const problems = [];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !clipped(e);
  const clipped = (e) => e.closest(".hidden, .skip, thead, .unseen, #find label") && getComputedStyle(e.closest(".hidden, .skip, thead, .unseen, #find label")).clipPath !== "none";
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}${e.className && typeof e.className === "string" ? `.${e.className.replaceAll(" ", ".")}` : ""} "${(e.textContent ?? "").trim().slice(0, 30)}"`;

  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1 && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !seen(e) || e.closest("noscript, :disabled, .button:not([href]), option")) continue;
    const style = getComputedStyle(e);
    const colour = e.closest("svg") ? style.fill : style.color;
    const ratio = contrast(colour, ground(e));
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)} of ${name(e)}: ${colour} on ${ground(e)}`);
  }
  for (const e of document.querySelectorAll("input, textarea")) {
    if (!e.placeholder || !seen(e)) continue;
    const ratio = contrast(getComputedStyle(e, "::placeholder").color, ground(e));
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)} of the placeholder of ${name(e)}`);
  }
  for (const e of document.querySelectorAll("input, select, textarea, button, .icon")) {
    if (!seen(e) || e.matches(":disabled, .quiet, .main")) continue;
    const style = getComputedStyle(e);
    const line = e.matches(".icon") ? style.stroke : style.borderTopColor;
    const ratio = contrast(line, ground(e.parentElement));
    if (ratio < 3) problems.push(`contrast ${ratio.toFixed(2)} of the outline of ${name(e)}`);
  }

  const headings = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen);
  if (headings.filter((h) => h.tagName === "H1").length !== 1) problems.push(`${headings.filter((h) => h.tagName === "H1").length} first headings`);
  headings.reduce((before, h) => {
    const level = Number(h.tagName[1]);
    if (level > before + 1) problems.push(`${name(h)} skips a level`);
    return level;
  }, 0);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) if (id !== "hatch") problems.push(`the id ${id} stands there twice`);
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) problems.push(`${name(e)} breaks the order of focus`);
  for (const e of document.querySelectorAll("svg")) if (e.getAttribute("aria-hidden") !== "true" && !e.getAttribute("aria-label")) problems.push(`a drawing without a name in ${name(e.parentElement)}`);
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption) problems.push("a table without a caption");
    for (const th of e.querySelectorAll("th")) if (th.scope !== "col") problems.push(`the heading ${name(th)} has no scope`);
  }
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    for (const id of `${e.getAttribute("aria-describedby") ?? ""} ${e.getAttribute("aria-labelledby") ?? ""}`.split(" ").filter(Boolean)) if (!document.getElementById(id)) problems.push(`${name(e)} speaks of ${id}, which is not there`);
  }
  for (const badge of document.querySelectorAll(".badge")) if (seen(badge) && !badge.textContent.trim()) problems.push("a status by its colour only");
  // A word of a table is whole, but in the column that tells reasons.
  for (const cell of document.querySelectorAll("th, td:not(.why)")) {
    if (!seen(cell) || cell.querySelector("details") || innerWidth < 768) continue;
    const words = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = words.nextNode(); node; node = words.nextNode()) {
      for (const word of node.data.matchAll(/[\w-]+/g)) {
        const range = new Range();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (range.getClientRects().length > 1) problems.push(`the word ${word[0]} is broken in ${name(cell)}`);
      }
    }
  }
  // A finger needs 24 pixels, but for links in a line of text.
  for (const e of document.querySelectorAll("button, input:not([type=checkbox]), select, textarea, header a, .button, .chips a, .tiles a")) {
    const box = e.getBoundingClientRect();
    if (seen(e) && (box.width < 24 || box.height < 24)) problems.push(`${name(e)} is ${box.width} by ${box.height}`);
  }
  if (!document.documentElement.lang || !document.title.includes("Contact transfers")) problems.push("no language or title");
  for (const landmark of ["header", "nav", "main", "footer"]) if (!document.querySelector(landmark)) problems.push(`no ${landmark}`);
  return problems.join("\n");
})();
