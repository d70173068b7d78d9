// Which findings are listed: by severity, file, origin and verdict. A filter that has no choice is not drawn.

import { byId, el } from "./dom.js";
import { has, t } from "./i18n.js";

export const SEVERITIES = ["critical", "high", "medium", "low", "info"];
export const severityOf = (finding) => (SEVERITIES.includes(finding.severity) ? finding.severity : "info");

const CHOICES = {
  file: (finding) => finding.file,
  origin: (finding) => finding.origin,
  verdict: (finding) => finding.verdict ?? "unjudged",
};

export class Filters {
  #off = new Set(); // severities that are not shown
  #chosen = { file: null, origin: null, verdict: null }; // null: all
  #drawn = "";

  constructor(onChange) {
    this.onChange = onChange;
    for (const name of Object.keys(CHOICES))
      byId(`filter-${name}`).addEventListener("change", (event) => {
        const { value } = event.target;
        this.#chosen[name] = value === "" ? null : value.slice(1);
        onChange();
      });
  }

  clear() {
    this.#off.clear();
    for (const name of Object.keys(CHOICES)) this.#chosen[name] = null;
    this.#drawn = "";
  }

  pass(finding) {
    if (this.#off.has(severityOf(finding))) return false;
    return Object.entries(CHOICES).every(([name, of]) => this.#chosen[name] === null || of(finding) === this.#chosen[name]);
  }

  /** Draws the controls for `findings`, all that there are. */
  draw(findings) {
    const counts = SEVERITIES.map((one) => [one, findings.filter((finding) => severityOf(finding) === one).length]);
    const values = Object.entries(CHOICES).map(([name, of]) => [name, [...new Set(findings.map(of))]]);
    const state = JSON.stringify([counts, values, [...this.#off], this.#chosen, t("severity.high")]);
    if (state === this.#drawn) return; // the control that the keyboard is on stays where it is
    this.#drawn = state;
    const held = document.activeElement?.dataset?.severity;
    byId("tally").replaceChildren(...counts.filter(([, count]) => count > 0).map((one) => this.#toggle(...one)));
    if (held) byId("tally").querySelector(`[data-severity="${held}"]`)?.focus();
    for (const [name, list] of values) this.#select(name, list);
  }

  #toggle(severity, count) {
    const flip = () => {
      if (!this.#off.delete(severity)) this.#off.add(severity);
      this.onChange();
    };
    const on = !this.#off.has(severity);
    const attributes = { type: "button", class: `badge severity-${severity}`, "data-severity": severity };
    const label = t("filter.severity", { severity: t(`severity.${severity}`), n: count });
    return el(
      "li",
      {},
      el(
        "button",
        { ...attributes, "aria-pressed": String(on), title: label, onclick: flip },
        `${t(`severity.${severity}`)} ${count}`,
      ),
    );
  }

  #select(name, values) {
    const box = byId(`filter-${name}`);
    box.hidden = values.length < 2 && this.#chosen[name] === null;
    if (box.hidden) return;
    const option = (value) => el("option", { value: `=${value}` }, words(name, value));
    box.replaceChildren(el("option", { value: "" }, t(`filter.all_${name}`)), ...values.map(option));
    box.value = this.#chosen[name] === null ? "" : `=${this.#chosen[name]}`;
  }
}

function words(name, value) {
  if (name === "file") return value || t("finding.pasted");
  const key = name === "origin" ? `origin.${value}` : `verdict.${value}`;
  return has(key) ? t(key) : value;
}
