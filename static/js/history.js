// The audits of before: list, search, reopen, delete one or all. Hidden where the server keeps none.

import { forget, history, historyEntry, Problem } from "./client.js";
import { byId, el, visible } from "./dom.js";
import { SEVERITIES } from "./filters.js";
import { currentLang, t } from "./i18n.js";
import { sentences } from "./problems.js";
import { riskWords } from "./report.js";

const QUIET_MS = 250;

export class History {
  #items = [];
  #next = null;
  #timer = 0;
  #asked = 0; // so that a slow answer does not overwrite a later one
  #dialog = byId("history");
  available = false;

  /** `onOpen(entry)` gets {report, sources, dismissed}. */
  constructor(onOpen) {
    this.onOpen = onOpen;
    byId("history-open").addEventListener("click", () => this.open());
    byId("history-close").addEventListener("click", () => this.#dialog.close());
    byId("history-more").addEventListener("click", () => this.#load({ before: this.#next }));
    byId("history-search").addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#load(), QUIET_MS);
    });
    byId("history-clear").addEventListener("click", () => this.#askClear(true));
    byId("history-clear-no").addEventListener("click", () => this.#askClear(false));
    byId("history-clear-yes").addEventListener("click", () => this.#forget(""));
  }

  /** `state` is what /health says of the history: {state, reason}; nothing: the server keeps none. */
  look({ state = "off" } = {}) {
    this.available = state === "on";
    byId("history-open").hidden = !this.available;
  }

  async open() {
    byId("history-search").value = "";
    this.#items = [];
    this.#askClear(false);
    this.draw();
    this.#dialog.showModal();
    await this.#load();
  }

  async #load({ before = "" } = {}) {
    const mine = ++this.#asked;
    const answer = await this.#try(() => history({ before, q: byId("history-search").value.trim() }));
    if (!answer || mine !== this.#asked) return;
    this.#items = before ? [...this.#items, ...answer.items] : answer.items;
    this.#next = answer.next ?? null;
    this.draw();
  }

  async #try(work) {
    byId("history-trouble").replaceChildren();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      byId("history-trouble").replaceChildren(...visible(sentences(error).join(" ")));
      return null;
    }
  }

  draw() {
    byId("history-more").hidden = !this.#next;
    byId("history-none").hidden = this.#items.length > 0;
    byId("history-clear").disabled = this.#items.length === 0;
    byId("history-list").replaceChildren(...this.#items.map((item) => this.#row(item)));
  }

  #row(item) {
    const name = item.title || t("finding.pasted");
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "history-item", onclick: () => this.#reopen(item.id) },
        el("span", { class: `risk-dot severity-${item.risk_level}`, "aria-hidden": "true" }),
        el("span", { class: "history-title" }, ...visible(name)),
        el("span", { class: "quiet" }, ...visible(facts(item))),
      ),
      el(
        "button",
        { type: "button", class: "small plain", "aria-label": t("history.deleteOne", { name }), onclick: () => this.#forget(item.id) },
        t("history.delete"),
      ),
    );
  }

  async #reopen(id) {
    const entry = await this.#try(() => historyEntry(id));
    if (!entry) return;
    this.#dialog.close();
    this.onOpen(entry);
  }

  async #forget(id) {
    if (!(await this.#try(() => forget(id)))) return;
    this.#items = id ? this.#items.filter((item) => item.id !== id) : [];
    if (!id) this.#next = null;
    this.#askClear(false);
    this.draw();
    byId("history-search").focus();
  }

  #askClear(asking) {
    byId("history-clear").hidden = asking;
    byId("history-sure").hidden = !asking;
    if (asking) byId("history-clear-no").focus();
  }
}

function facts({ created_at: at, risk_level: risk, counts = {}, files, lines, language, error }) {
  const found = SEVERITIES.filter((one) => counts[one] > 0).map((one) => `${t(`severity.${one}`)} ${counts[one]}`);
  const when = new Date(at);
  const parts = [
    Number.isNaN(when.getTime()) ? String(at) : when.toLocaleString(currentLang() === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" }),
    error || (found.length ? found.join(", ") : riskWords(risk)),
    files > 1 ? t("history.files", { n: files, lines }) : t("editor.lines", { n: lines }),
  ];
  if (language && files <= 1) parts.push(language);
  return parts.join(" · ");
}
