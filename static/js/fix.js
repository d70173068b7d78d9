// The fix of a finding: prose as text, code as a diff against the lines it mends, both to copy. Knows Markdown fences.

import { diffLines, indentedLike } from "./diff.js";
import { el, visible } from "./dom.js";
import { copyText } from "./export.js";
import { t } from "./i18n.js";

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n([\s\S]*?)\n?^[ \t]*\1[ \t]*$/gm;
const SAID_MS = 3000;

/** [{code, language, text}] in order: what stands in fences is code. */
export function partsOf(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(FENCE)) {
    const before = text.slice(end, match.index).trim();
    if (before) parts.push({ code: false, language: "", text: before });
    parts.push({ code: true, language: match[2].toLowerCase(), text: match[3] });
    end = match.index + match[0].length;
  }
  const rest = text.slice(end).trim();
  if (rest) parts.push({ code: false, language: "", text: rest });
  return parts;
}

/** Nodes that show `text`; `before` are the lines of the code that it mends, or null if they are not known. */
export function drawFix(text, before) {
  const parts = partsOf(text);
  const nodes = parts.map((part) =>
    part.code ? drawCode(part, before) : el("p", { class: "prose" }, ...visible(part.text)),
  );
  if (!parts.some((part) => part.code)) nodes.push(copier(text));
  return nodes;
}

function drawCode({ language, text }, before) {
  const lines = text.split("\n");
  const given = language === "diff" || language === "patch";
  const moved = before && !given ? indentedLike(lines, before) : lines;
  const rows = given ? lines.map(asGiven) : before ? diffLines(before, moved) : moved.map((line) => ({ sign: "", text: line }));
  return el(
    "figure",
    { class: "fix-code" },
    el("pre", { class: "diff", tabindex: "0", "aria-label": t("finding.fixCode") }, ...rows.map(row)),
    copier(given ? rows.filter(({ sign }) => sign !== "-").map((one) => one.text).join("\n") : moved.join("\n")),
  );
}

const asGiven = (line) => ("+-".includes(line[0] ?? " ") ? { sign: line[0], text: line.slice(1) } : { sign: " ", text: line.replace(/^ /, "") });

const KINDS = { "+": "added", "-": "removed" };

function row({ sign, text }) {
  const kind = KINDS[sign] ?? "kept";
  const name = kind === "kept" ? null : el("span", { class: "offscreen" }, t(`finding.${kind}`));
  return el("span", { class: `diff-line ${kind}` }, name, el("span", { class: "sign", "aria-hidden": "true" }, sign), ...visible(text), "\n");
}

function copier(text) {
  const button = el("button", { type: "button", class: "small" }, t("finding.copyFix"));
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    button.textContent = t((await copyText(text)) ? "result.copied" : "result.copyFailed");
    setTimeout(() => {
      button.textContent = t("finding.copyFix");
    }, SAID_MS);
  });
  return button;
}
