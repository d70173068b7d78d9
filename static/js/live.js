// What happens while a job runs: stage, chunk, elapsed time, and the model's text as it grows.
// Knows the events `accepted`, `progress` and `token`.

import { byId, visible } from "./dom.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

const FLUSH_MS = 60; // token events come faster than a screen can show them

export class Live {
  #startedAt_ms = 0;
  #ticker = 0;
  #flusher = 0;
  #waiting = { answer: "", reasoning: "" };
  #chunk = "";
  #stage = () => "";

  start() {
    this.#startedAt_ms = performance.now();
    this.#waiting = { answer: "", reasoning: "" };
    this.#chunk = "";
    for (const id of ["answer", "reasoning"]) byId(id).replaceChildren();
    byId("reasoning-box").hidden = true;
    byId("live").hidden = true;
    byId("live").open = true;
    byId("progress").hidden = false;
    byId("ended").hidden = true;
    byId("bar").removeAttribute("value");
    byId("chunk").textContent = "";
    this.#say(() => t("run.sending"));
    this.#ticker = setInterval(() => this.#tick(), 200);
    this.#tick();
  }

  /** The job is over. With a report the model's text is folded: the report says it better. */
  end(withReport) {
    clearInterval(this.#ticker);
    this.#flush();
    byId("progress").hidden = true;
    if (withReport) byId("live").open = false;
  }

  accepted({ queue_position: position }) {
    this.#say(() => (position > 0 ? t("run.queuedBehind", { n: position }) : t("run.queued")));
  }

  progress({ stage, done, total, file, start_line: start, end_line: end }) {
    this.#say(() => t(`run.${stage}`));
    const counted = stage === "model" && total > 0;
    if (counted && done > 0) byId("bar").value = done / total;
    else byId("bar").removeAttribute("value");
    byId("chunk").textContent = counted ? chunkWords(done, total, start, end) : "";
    if (counted && start > 0) this.#divide(`${file || t("finding.pasted")}, ${t("run.lines", { start, end })}`);
  }

  token({ text, reasoning }) {
    this.#waiting[reasoning ? "reasoning" : "answer"] += text;
    if (!this.#flusher) this.#flusher = setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Says the stage again, after a change of language. */
  draw() {
    byId("stage").textContent = this.#stage();
  }

  #say(words) {
    this.#stage = words;
    this.draw();
  }

  #tick() {
    byId("elapsed").textContent = format.time((performance.now() - this.#startedAt_ms) / 1000);
  }

  // A line between the texts of two chunks, so that one long answer does not seem to go on.
  #divide(name) {
    if (name === this.#chunk) return;
    this.#flush();
    for (const id of ["answer", "reasoning"]) if (byId(id).hasChildNodes()) byId(id).append(`\n\n── ${name} ──\n`);
    this.#chunk = name;
  }

  #flush() {
    clearTimeout(this.#flusher);
    this.#flusher = 0;
    for (const [id, text] of Object.entries(this.#waiting)) if (text) append(byId(id), text);
    this.#waiting = { answer: "", reasoning: "" };
  }
}

function chunkWords(done, total, start, end) {
  const words = [t("run.chunk", { n: Math.min(done + 1, total), total })];
  if (start > 0) words.push(t("run.lines", { start, end }));
  return words.join(", ");
}

// Follows the end of the text, unless the reader has scrolled up.
function append(box, text) {
  const following = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.append(...visible(text));
  byId("live").hidden = false;
  if (box.id === "reasoning") {
    byId("reasoning-box").hidden = false;
    byId("reasoning-size").textContent = t("live.characters", { n: box.textContent.length });
  }
  if (following) box.scrollTop = box.scrollHeight;
}
