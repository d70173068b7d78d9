// What happens while a job runs: its stages, chunk k of n, tokens a second, elapsed and expected time, the model's text.
// Knows the events `accepted`, `progress` and `token`. All places keep their size, so nothing below them jumps.

import { byId, el, visible } from "./dom.js";
import { left_s } from "./estimate.js";
import * as format from "./format.js";
import { has, t } from "./i18n.js";

const FLUSH_MS = 60; // token events come faster than a screen can show them
const TICK_MS = 250;
const SPEED_MS = 3000; // the window that tokens a second are counted over
const STAGES = ["rules", "queued", "model", "judge", "texts", "report"];

export class Live {
  #startedAt_ms = 0;
  #stageAt_ms = 0;
  #heardAt_ms = 0; // the last progress
  #ticker = 0;
  #flusher = 0;
  #waiting = { answer: "", reasoning: "" };
  #lastChunk = "";
  #state = null; // the last progress; null before the first
  #words = () => "";
  #budget_s = 0;
  #tokenTimes = [];

  /** `budget_s`: the seconds that the model may spend, if the server said so; 0 if not. */
  start(budget_s = 0) {
    this.#startedAt_ms = this.#stageAt_ms = performance.now();
    this.#waiting = { answer: "", reasoning: "" };
    this.#lastChunk = "";
    this.#state = null;
    this.#budget_s = Number(budget_s) || 0;
    this.#tokenTimes = [];
    for (const id of ["answer", "reasoning"]) byId(id).replaceChildren();
    byId("reasoning-box").hidden = true;
    byId("reasoning-box").open = false;
    byId("live").hidden = true;
    byId("progress").hidden = false;
    byId("ended").hidden = true;
    this.#say(() => t("run.sending"));
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.draw();
  }

  end() {
    clearInterval(this.#ticker);
    this.#flush();
    byId("progress").hidden = true;
  }

  accepted({ queue_position: position }) {
    this.#say(() => (position > 0 ? t("run.queuedBehind", { n: position }) : t("run.queued")));
  }

  progress(data) {
    if (data.stage !== this.#state?.stage) this.#stageAt_ms = performance.now();
    this.#heardAt_ms = performance.now();
    this.#state = data;
    if (has(`run.${data.stage}`)) this.#say(() => t(`run.${data.stage}`));
    if (data.stage === "model" && data.total > 0 && data.start_line > 0) {
      const { file, start_line: start, end_line: end } = data;
      this.#divide(`${file || t("finding.pasted")}, ${t("run.lines", { start, end })}`);
    }
    this.draw();
  }

  token({ text, reasoning }) {
    this.#tokenTimes.push(performance.now());
    this.#waiting[reasoning ? "reasoning" : "answer"] += text;
    if (!this.#flusher) this.#flusher = setTimeout(() => this.#flush(), FLUSH_MS);
  }

  /** Says everything again, also after a change of language. */
  draw() {
    byId("stage").textContent = this.#words();
    const at = STAGES.indexOf(this.#state?.stage);
    byId("stages").replaceChildren(
      ...STAGES.map((stage, index) =>
        el(
          "li",
          { class: index < at ? "done" : index === at ? "now" : "", "aria-current": index === at && "step" },
          t(`stage.${stage}`),
        ),
      ),
    );
    const { done = 0, total = 0 } = this.#state ?? {};
    if (total > 0 && done > 0) byId("bar").value = done / total;
    else byId("bar").removeAttribute("value");
    byId("chunk").textContent = stepWords(this.#state);
    this.#tick();
  }

  #say(words) {
    this.#words = words;
    byId("stage").textContent = words();
  }

  #tick() {
    const now_ms = performance.now();
    const since_s = (at_ms) => (now_ms - at_ms) / 1000;
    const times = { budget_s: this.#budget_s, heard_s: since_s(this.#heardAt_ms), stage_s: since_s(this.#stageAt_ms) };
    byId("elapsed").textContent = timeWords(since_s(this.#startedAt_ms), this.#budget_s, left_s(this.#state, times));
    this.#tokenTimes = this.#tokenTimes.filter((at) => now_ms - at < SPEED_MS);
    const window_s = Math.min(SPEED_MS, Math.max(500, now_ms - (this.#tokenTimes[0] ?? now_ms))) / 1000;
    const speed = this.#tokenTimes.length / window_s;
    byId("speed").textContent = speed > 0 ? t("run.speed", { n: speed < 10 ? speed.toFixed(1) : Math.round(speed) }) : "";
  }

  // A line between the texts of two chunks, so that one long answer does not seem to go on.
  #divide(name) {
    if (name === this.#lastChunk) return;
    this.#flush();
    for (const id of ["answer", "reasoning"]) if (byId(id).hasChildNodes()) byId(id).append(`\n\n── ${name} ──\n`);
    this.#lastChunk = name;
  }

  #flush() {
    clearTimeout(this.#flusher);
    this.#flusher = 0;
    for (const [id, text] of Object.entries(this.#waiting)) if (text) append(byId(id), text);
    this.#waiting = { answer: "", reasoning: "" };
  }
}

function stepWords(state) {
  if (!state || !(state.total > 0) || !["model", "judge", "texts"].includes(state.stage)) return "";
  const { stage, done, total, start_line: start, end_line: end } = state;
  const n = Math.min(done + 1, total);
  const words = [t(stage === "model" ? "run.chunk" : "run.step", { n, total })];
  if (stage === "model" && start > 0) words.push(t("run.lines", { start, end }));
  return words.join(", ");
}

function timeWords(elapsed_s, budget_s, expected_s) {
  const time = format.time(elapsed_s);
  const words = [budget_s > 0 ? t("run.ofBudget", { time, budget: format.time(budget_s) }) : time];
  if (expected_s >= 1) words.push(t("run.left", { time: format.time(Math.round(expected_s)) }));
  return words.join(" · ");
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
