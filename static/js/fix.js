// The fix of a finding: prose as text, code as a diff against the lines it mends, both to copy. Knows Markdown fences.

import { diffLines, indentedLike } from "./diff.js";
import { el, visible } from "./dom.js";
import { copyText } from "./export.js";
import { t } from "./i18n.js";

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n([\s\S]*?)\n?^[ \t]*\1[ \t]*$/gm;
const SPAN = /(`{1,3})([^`]+)\1/g; // code within a line
const LANGUAGE = /^(?:bash|c|cpp|csharp|go|java|javascript|js|kotlin|php|python|ruby|rust|scala|solidity|sql|swift|ts|typescript|yaml)\s+(?=\S)/;
const LEAST_WORDS = 3;
const ALIKE = 0.5;
const SAID_MS = 3000;

/** [{code, language, text}] in order: what stands in fences is code, and a span that rewrites the line `quoted`. */
export function partsOf(text, quoted = "") {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(FENCE)) {
    parts.push(...proseOf(text.slice(end, match.index), quoted));
    parts.push({ code: true, language: match[2].toLowerCase(), text: match[3] });
    end = match.index + match[0].length;
  }
  return [...parts, ...proseOf(text.slice(end), quoted)];
}

function proseOf(text, quoted) {
  const prose = text.trim();
  if (!prose) return [];
  const spans = [...prose.matchAll(SPAN)].map((match) => ({ match, code: match[2].trim().replace(LANGUAGE, "") }));
  const rewrite = spans.find(({ code }) => rewrites(code, quoted));
  if (!rewrite) return [{ code: false, language: "", text: prose }];
  const { 0: whole, index } = rewrite.match;
  const last = /^[\s.。]*$/.test(prose.slice(index + whole.length)); // then it need not be said twice
  const said = last ? prose.slice(0, index).trim() : prose;
  return [...(said ? [{ code: false, language: "", text: said }] : []), { code: true, language: "", text: rewrite.code }];
}

// Whether `code` is another way to write the line: a statement that has much of its words.
function rewrites(code, quoted) {
  const [mine, theirs] = [code, quoted].map((text) => new Set(text.match(/\w+/g) ?? []));
  if (!/[=(;{]/.test(code) || mine.size < LEAST_WORDS || theirs.size < LEAST_WORDS || code.trim() === quoted.trim()) return false;
  const shared = [...mine].filter((word) => theirs.has(word)).length;
  return shared / Math.min(mine.size, theirs.size) >= ALIKE;
}

/** Nodes that show prose; what stands between backticks as code. */
export function drawProse(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(SPAN)) {
    nodes.push(...visible(text.slice(end, match.index)), el("code", { class: "inline" }, ...visible(match[2])));
    end = match.index + match[0].length;
  }
  return [...nodes, ...visible(text.slice(end))];
}

/** Nodes that show `text`; `before` are the lines of the code that it mends, or null if they are not known. */
export function drawFix(text, before) {
  const parts = partsOf(text, before?.[0]);
  const nodes = parts.map((part) => (part.code ? drawCode(part, before) : el("p", { class: "prose" }, ...drawProse(part.text))));
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
