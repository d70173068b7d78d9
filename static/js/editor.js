// The code editor: a textarea over a layer of line numbers and marks. Only the rows in view exist, so a long file
// costs nothing. Knows text and lines; knows nothing of jobs.

import { el, invisibleLines } from "./dom.js";

export class Editor {
  #area;
  #rows;
  #marks = new Map(); // line -> severity
  #suspicious = new Set(); // lines with invisible characters
  #selected = null; // {start, end}
  #lineHeight_px = 20;
  #lines = 1;

  /** `root` holds the textarea and the layer; `onChange` runs after every change of the text. */
  constructor(root, onChange) {
    this.#area = root.querySelector("textarea");
    this.#rows = root.querySelector(".rows");
    this.#area.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.#area.addEventListener("input", () => this.#changed());
    new ResizeObserver(() => this.#measure()).observe(this.#area);
    this.onChange = onChange;
    this.#changed();
  }

  get text() {
    return this.#area.value;
  }

  get lineCount() {
    return this.#lines;
  }

  set text(value) {
    this.#area.value = value;
    this.#area.setSelectionRange(0, 0);
    this.#area.scrollTop = 0;
    this.#area.scrollLeft = 0;
    this.#changed();
  }

  focus() {
    this.#area.focus();
  }

  /** [{line, severity}] to colour; the worst severity comes first for a line that has several. */
  mark(marks) {
    this.#marks = new Map();
    for (const { line, severity } of marks) if (!this.#marks.has(line)) this.#marks.set(line, severity);
    this.#draw();
  }

  /** Scrolls to the lines and selects them. */
  select(start, end) {
    const text = this.text;
    const from = offsetOfLine(text, start);
    const last = offsetOfLine(text, end);
    const to = text.indexOf("\n", last);
    this.#selected = { start, end };
    this.#area.focus({ preventScroll: true });
    this.#area.setSelectionRange(from, to < 0 ? text.length : to);
    this.#area.scrollTop = Math.max(0, (start - 1) * this.#lineHeight_px - this.#area.clientHeight / 3);
    this.#area.scrollLeft = 0;
    this.#area.scrollIntoView({ block: "nearest" });
    this.#draw();
  }

  /** The line, 1-based, nearest to `near` whose trimmed text is `quote`'s; 0 if there is none. */
  find(quote, near) {
    const wanted = quote.trim();
    const lines = this.text.split("\n");
    if (lines[near - 1]?.trim() === wanted) return near;
    let best = 0;
    lines.forEach((line, index) => {
      if (line.trim() === wanted && (best === 0 || Math.abs(index + 1 - near) < Math.abs(best - near))) best = index + 1;
    });
    return best;
  }

  #changed() {
    const text = this.text;
    this.#lines = countLines(text);
    this.#selected = null;
    const invisible = invisibleLines(text);
    this.#suspicious = new Set(invisible.map(({ line }) => line));
    this.#area.parentElement.style.setProperty("--digits", String(Math.max(3, String(this.#lines).length)));
    this.#draw();
    this.onChange({ text, lines: text === "" || text.endsWith("\n") ? this.#lines - 1 : this.#lines, invisible });
  }

  #measure() {
    this.#lineHeight_px = parseFloat(getComputedStyle(this.#area).lineHeight) || 20;
    this.#draw();
  }

  #draw() {
    const height_px = this.#lineHeight_px;
    const first = Math.floor(this.#area.scrollTop / height_px);
    const count = Math.ceil(this.#area.clientHeight / height_px) + 1;
    const rows = [];
    for (let line = first + 1; line <= Math.min(this.#lines, first + count); line += 1) rows.push(this.#row(line));
    this.#rows.replaceChildren(...rows);
    this.#rows.style.transform = `translateY(${first * height_px - this.#area.scrollTop}px)`;
  }

  #row(line) {
    const severity = this.#marks.get(line);
    const names = ["row"];
    if (severity) names.push("marked", `severity-${severity}`);
    if (this.#suspicious.has(line)) names.push("suspicious");
    if (this.#selected && line >= this.#selected.start && line <= this.#selected.end) names.push("selected");
    return el("div", { class: names.join(" ") }, el("span", { class: "number" }, String(line)));
  }
}

function countLines(text) {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

function offsetOfLine(text, line) {
  let offset = 0;
  for (let number = 1; number < line; number += 1) {
    const end = text.indexOf("\n", offset);
    if (end < 0) return offset;
    offset = end + 1;
  }
  return offset;
}
