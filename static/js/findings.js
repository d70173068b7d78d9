// The findings: the list with its filters, those that the pocket model made apart from it, those dismissed below.
// Knows a finding's fields; where its line is shown and who remembers a dismissal is the caller's matter.

import { drawCard } from "./card.js";
import { byId, el, visible } from "./dom.js";
import { Filters, severityOf, SEVERITIES } from "./filters.js";
import { t } from "./i18n.js";

export const keyOf = ({ file, fingerprint, start_line: line, title }) => [file, fingerprint || title, line].join("\n");

export class Findings {
  #all = new Map(); // key -> finding
  #dismissed = new Map(); // fingerprint -> {reason}
  #current = ""; // the key of the finding that is open
  #filters = new Filters(() => this.draw());

  /**
   * `actions`: show(finding, {focus}) in the code; dismiss(finding, reason); undo(finding); ask(finding) begins a talk
   * and talk(finding) gives its node or null; lines(finding) gives the audited lines that it is about, or null.
   */
  constructor(actions) {
    this.actions = actions;
  }

  /** Those that stand: not dismissed. */
  get all() {
    return [...this.#all.values()].filter((finding) => !this.#dismissed.has(finding.fingerprint));
  }

  /** Those that the filters let through, in the order of the list. */
  get shown() {
    return this.all.filter((finding) => this.#filters.pass(finding));
  }

  get current() {
    return this.#all.get(this.#current) ?? null;
  }

  clear() {
    this.#all.clear();
    this.#dismissed.clear();
    this.#current = "";
    this.#filters.clear();
    this.draw();
  }

  /** A finding as it stands now; it takes the place of the one that it replaces. */
  put(finding) {
    this.#all.set(keyOf(finding), finding);
    this.#drawOne(finding);
  }

  /** Takes a finding back; gives it, or null if it was not there. */
  withdraw(place) {
    const key = keyOf(place);
    const finding = this.#all.get(key) ?? null;
    this.#all.delete(key);
    cardOf(key)?.remove();
    this.#heads();
    return finding;
  }

  /** The report's findings are the truth: they replace what came before, in the report's order. */
  replace(findings, dismissed = []) {
    this.#all = new Map(findings.map((finding) => [keyOf(finding), finding]));
    this.#dismissed = new Map(dismissed.map((one) => [one.fingerprint, one]));
    this.draw();
  }

  setDismissed(finding, reason) {
    if (reason === null) this.#dismissed.delete(finding.fingerprint);
    else this.#dismissed.set(finding.fingerprint, { fingerprint: finding.fingerprint, reason });
    this.draw();
  }

  /** Opens a finding's card, brings it into view, and shows its line in the code. */
  select(finding, { focus = false, reveal = true, show = true } = {}) {
    const before = this.#current;
    this.#current = keyOf(finding);
    if (!this.#filters.pass(finding)) this.#filters.clear();
    if (!cardOf(this.#current)) this.draw();
    for (const key of new Set([before, this.#current])) if (this.#all.has(key)) this.#redraw(key);
    if (reveal) cardOf(this.#current)?.scrollIntoView({ block: "nearest" });
    if (show) this.actions.show(finding, { focus });
  }

  /** The next (1) or the one before (-1) of the list. */
  step(by) {
    const list = this.shown;
    if (list.length === 0) return;
    const at = list.findIndex((finding) => keyOf(finding) === this.#current);
    const next = list[(at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by + list.length) % list.length];
    this.select(next);
    cardOf(keyOf(next))?.querySelector(".card-title").focus({ preventScroll: true });
  }

  /** Draws all; the card that is open stays where it is on the screen, and the keyboard where it was. */
  draw() {
    const held = heldBy(document.activeElement);
    const before = cardOf(this.#current)?.getBoundingClientRect().top;
    const cards = { true: [], false: [] };
    for (const finding of this.shown) cards[finding.counts !== false].push(this.#card(finding));
    byId("finding-list").replaceChildren(...cards.true);
    byId("demo-list").replaceChildren(...cards.false);
    this.#heads();
    this.#drawDismissed();
    const after = cardOf(this.#current)?.getBoundingClientRect().top;
    if (before !== undefined && after !== undefined) byId("results").scrollTop += after - before;
    if (held) cardOf(held.key)?.querySelector(`[data-role="${held.role}"]`)?.focus({ preventScroll: true });
  }

  #drawOne(finding) {
    const key = keyOf(finding);
    if (cardOf(key)) this.#redraw(key);
    else if (this.#filters.pass(finding)) listOf(finding).append(this.#card(finding));
    this.#heads();
  }

  #redraw(key) {
    const old = cardOf(key);
    const held = heldBy(document.activeElement);
    const fresh = this.#card(this.#all.get(key));
    old?.replaceWith(fresh);
    if (held?.key === key) fresh.querySelector(`[data-role="${held.role}"]`)?.focus({ preventScroll: true });
  }

  #card(finding) {
    const key = keyOf(finding);
    return drawCard(finding, {
      key,
      open: key === this.#current,
      severity: severityOf(finding),
      before: this.actions.lines(finding),
      onOpen: () => this.#toggle(finding),
      onShow: () => this.select(finding, { focus: true, reveal: false }),
      onDismiss: (reason) => this.actions.dismiss(finding, reason),
      onAsk: () => {
        this.actions.ask(finding);
        this.#redraw(key);
        cardOf(key).querySelector(".chat textarea")?.focus();
      },
      talk: this.actions.talk(finding),
    });
  }

  #toggle(finding) {
    if (keyOf(finding) !== this.#current) {
      this.select(finding);
      return;
    }
    this.#current = "";
    this.#redraw(keyOf(finding));
  }

  #heads() {
    const counted = this.all.filter((finding) => finding.counts !== false);
    byId("findings").hidden = counted.length === 0;
    byId("demo").hidden = counted.length === this.all.length;
    const shown = counted.filter((finding) => this.#filters.pass(finding)).length;
    byId("shown-count").textContent =
      shown === counted.length ? t("filter.count", { n: counted.length }) : t("filter.some", { n: shown, total: counted.length });
    this.#filters.draw(counted);
  }

  #drawDismissed() {
    const list = [...this.#all.values()].filter((finding) => this.#dismissed.has(finding.fingerprint));
    byId("dismissed").hidden = list.length === 0;
    byId("dismissed-head").textContent = t("dismiss.list", { n: list.length });
    byId("dismissed-list").replaceChildren(
      ...list.map((finding) => {
        const { reason } = this.#dismissed.get(finding.fingerprint);
        const undo = () => this.actions.undo(finding);
        return el(
          "li",
          {},
          el("strong", {}, ...visible(finding.title)),
          ` (${finding.file || t("finding.pasted")}, ${t("finding.line", { start: finding.start_line })})`,
          ...(reason ? [": ", ...visible(reason)] : []),
          " ",
          el("button", { type: "button", class: "small", onclick: undo }, t("dismiss.undo")),
        );
      }),
    );
  }
}

/** {severity, count} of the findings of each file, the worst one; file name -> that. */
export function badges(findings) {
  const found = new Map();
  for (const finding of findings) {
    const before = found.get(finding.file) ?? { severity: "info", count: 0 };
    const worst = Math.min(SEVERITIES.indexOf(before.severity), SEVERITIES.indexOf(severityOf(finding)));
    found.set(finding.file, { severity: SEVERITIES[worst], count: before.count + 1 });
  }
  return found;
}

// {key, role} of the card and its button that the keyboard is on, or null.
function heldBy(node) {
  const { role } = node?.dataset ?? {};
  const key = node?.closest(".finding")?.dataset.key;
  return role && key !== undefined ? { key, role } : null;
}

const listOf = (finding) => byId(finding.counts === false ? "demo-list" : "finding-list");
const cardOf = (key) => [...document.querySelectorAll(".finding")].find((card) => card.dataset.key === key);
