// Findings as cards: those that count, and apart from them what the pocket model says as a demonstration.
// Knows a finding's fields; where its line is shown is the caller's matter (`onSelect`).

import { byId, el, visible } from "./dom.js";
import { has, t } from "./i18n.js";

const SEVERITIES = ["critical", "high", "medium", "low", "info"];

export const severityOf = (finding) => (SEVERITIES.includes(finding.severity) ? finding.severity : "info");
const keyOf = (finding) => finding.fingerprint || [finding.file, finding.start_line, finding.title].join("\n");

export class Findings {
  #findings = new Map();

  constructor(onSelect) {
    this.onSelect = onSelect;
  }

  get all() {
    return [...this.#findings.values()];
  }

  clear() {
    this.#findings.clear();
    this.draw();
  }

  add(finding) {
    const key = keyOf(finding);
    if (this.#findings.has(key)) return;
    this.#findings.set(key, finding);
    listOf(finding).append(this.#card(finding));
    this.#heads();
  }

  /** The report's findings are the truth: they replace what came before, in the report's order. */
  replace(findings) {
    this.#findings = new Map(findings.map((finding) => [keyOf(finding), finding]));
    this.draw();
  }

  draw() {
    const cards = { true: [], false: [] };
    for (const finding of this.all) cards[finding.counts !== false].push(this.#card(finding));
    byId("finding-list").replaceChildren(...cards.true);
    byId("demo-list").replaceChildren(...cards.false);
    this.#heads();
  }

  #heads() {
    const counted = this.all.filter((finding) => finding.counts !== false);
    byId("findings").hidden = counted.length === 0;
    byId("demo").hidden = counted.length === this.#findings.size;
    const tallies = SEVERITIES.map((severity) => [severity, counted.filter((f) => severityOf(f) === severity).length]);
    byId("tally").replaceChildren(
      ...tallies
        .filter(([, count]) => count > 0)
        .map(([severity, count]) => el("li", { class: `badge severity-${severity}` }, `${t(`severity.${severity}`)} ${count}`)),
    );
  }

  #card(finding) {
    const severity = severityOf(finding);
    const select = () => {
      for (const card of document.querySelectorAll(".finding.current")) card.classList.remove("current");
      node.classList.add("current");
      this.onSelect(finding);
    };
    const node = el(
      "li",
      { class: `finding severity-${severity}`, onclick: select },
      el(
        "div",
        { class: "finding-head" },
        el("span", { class: `badge severity-${severity}` }, t(`severity.${severity}`)),
        el("h3", {}, ...visible(finding.title)),
      ),
      el(
        "p",
        { class: "finding-where" },
        place(finding),
        finding.cwe ? el("span", { class: "cwe" }, ...visible(finding.cwe)) : null,
        el("span", {}, origin(finding)),
        el("span", {}, t("finding.confidence", { percent: Math.round((Number(finding.confidence) || 0) * 100) })),
      ),
      finding.quote ? el("pre", { class: "quote" }, el("code", {}, ...visible(finding.quote.replace(/^[ \t]+/, "")))) : null,
      ...part("finding.why", finding.why),
      ...part("finding.fix", finding.fix),
    );
    return node;
  }
}

const listOf = (finding) => byId(finding.counts === false ? "demo-list" : "finding-list");

// The button is what the keyboard reaches; a click anywhere on the card does the same.
function place(finding) {
  const where = placeText(finding);
  return el("button", { type: "button", class: "place", "aria-label": t("finding.show", { where }) }, ...visible(where));
}

function placeText({ file, start_line: start, end_line: end }) {
  const lines = end > start ? t("finding.lines", { start, end }) : t("finding.line", { start });
  return `${file || t("finding.pasted")}, ${lines}`;
}

function origin(finding) {
  return finding.origin === "rule" ? t("finding.rule", { id: finding.rule_id }) : t("finding.model");
}

function part(key, text) {
  if (!text) return [];
  return [el("h4", {}, t(key)), el("p", { class: "prose" }, ...visible(text))];
}

/** The words for a risk level, or the level itself if the server knows one that this page does not. */
export const riskWords = (level) => (has(`risk.${level}`) ? t(`risk.${level}`) : String(level));
