// The size of what is in the editor: lines, bytes and tokens against the server's limit, asked while typing.
// Knows POST /api/count; a server without it leaves lines and bytes.

import { count, Problem } from "./client.js";
import { byId } from "./dom.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

const QUIET_MS = 350; // after the last keystroke
const LARGE_QUIET_MS = 1500;
const LARGE_BYTES = 512 * 1024;

export class Count {
  #timer = 0;
  #asking = null;
  #limit = 0;
  #known = null; // {text, name, tokens} of the last answer
  #now = { text: "", lines: 0, bytes: 0, others: 0 };
  #absent = false;
  budget_s = 0; // the seconds that the model may spend on an audit; 0: not known, or as long as it takes

  /** `onLanguage(file, id)` hears what language the server takes a file for. */
  constructor(onLanguage) {
    this.onLanguage = onLanguage;
  }

  /** The shown file as it is now; `others_bytes` is the size of the rest of the job. */
  look(file, text, lines, others_bytes) {
    const bytes = new TextEncoder().encode(text).length;
    this.#now = { text, lines, bytes, others: others_bytes };
    this.draw();
    clearTimeout(this.#timer);
    this.#asking?.abort();
    if (this.#absent || text === "" || (text === this.#known?.text && file.name === this.#known.name)) return;
    this.#timer = setTimeout(() => this.#ask(file, text), bytes > LARGE_BYTES ? LARGE_QUIET_MS : QUIET_MS);
  }

  /** Tokens of `text`, if the server has counted them. */
  tokensOf(text) {
    return this.#known?.text === text ? this.#known.tokens : null;
  }

  async #ask(file, text) {
    this.#asking = new AbortController();
    const { name } = file;
    try {
      const answer = await count(text, name, this.#asking.signal);
      this.#known = { text, name, tokens: answer.tokens };
      this.#limit = answer.max_body_bytes || this.#limit;
      this.budget_s = answer.budget_s || 0;
      this.onLanguage(file, answer.language ?? "");
      this.draw();
    } catch (error) {
      if (error instanceof Problem && error.absent) this.#absent = true;
      else if (error instanceof Problem && error.status === 413) this.#limit = error.details.limit_bytes ?? this.#limit;
      else if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
      this.draw();
    }
  }

  draw() {
    const { text, lines, bytes, others } = this.#now;
    const tokens = this.tokensOf(text);
    const all = bytes + others;
    const parts = text === "" && others === 0 ? [t("editor.empty")] : [t("editor.lines", { n: lines })];
    if (all > 0) parts.push(this.#limit ? `${format.size(all)} / ${format.size(this.#limit)}` : format.size(all));
    if (typeof tokens === "number") parts.push(t("editor.tokens", { n: format.whole(tokens) }));
    byId("size").textContent = parts.join(" · ");
    byId("size").classList.toggle("over", this.#limit > 0 && all > this.#limit);
    byId("over").hidden = !(this.#limit > 0 && all > this.#limit);
  }
}
