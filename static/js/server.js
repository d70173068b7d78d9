// The server's state: the header's facts, and the loading page that turns into the editor.
// Asks /health, and /ready while loading, again and again; knows nothing of jobs.

import { health, notReady } from "./client.js";
import { byId, el, visible } from "./dom.js";
import * as format from "./format.js";
import { has, t } from "./i18n.js";

const READY_MS = 10_000;
const LOADING_MS = 1_000;
const GONE_MS = 2_000;

export class Server {
  #facts = null; // the last /health
  #state = "unknown"; // unknown | loading | ready | gone
  #loading = null; // the last /ready Problem
  #wasReady = false;
  #startedAt_ms = performance.now();
  #timer = 0;

  /** The last /health, or {}: model, context_tokens, sends_to and more. */
  get facts() {
    return this.#facts ?? {};
  }

  /** `onReady()` runs at every change to ready, `onFacts(facts)` after every /health. */
  constructor({ onReady, onFacts }) {
    Object.assign(this, { onReady, onFacts });
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  /** Looks now, and then again from time to time. */
  async look() {
    clearTimeout(this.#timer);
    const next_ms = await this.#ask();
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), next_ms);
  }

  async #ask() {
    if (document.hidden && this.#state === "ready") return READY_MS;
    try {
      this.#facts = await health();
      const problem = this.#facts.state === "ready" ? null : await notReady();
      if (problem && problem.status !== 503) throw problem;
      if (!problem && this.#facts.state !== "ready") this.#facts = await health(); // it became ready in between
      this.#loading = problem;
    } catch {
      this.#state = "gone";
      return GONE_MS;
    }
    this.onFacts(this.#facts);
    const before = this.#state;
    this.#state = this.#loading ? "loading" : "ready";
    if (this.#state === "loading") return LOADING_MS;
    this.#wasReady = true;
    if (before !== "ready") this.onReady();
    return READY_MS;
  }

  draw() {
    // Once the editor was there it stays: a restart of the server must not hide the user's code. And why loading
    // failed stays too, when the server that said it has gone.
    document.body.dataset.view = this.#loading && !this.#wasReady ? "loading" : "editor";
    byId("gone").hidden = this.#state !== "gone";
    byId("facts-list").hidden = this.#state === "gone" || this.#state === "unknown" || this.#failed;
    if (this.#state === "loading") this.#drawLoading();
    if (this.#facts && this.#state !== "gone") this.#drawFacts(this.#facts);
  }

  get #failed() {
    return this.#facts?.state === "failed";
  }

  #drawFacts({ model, device, quantisation, memory, pocket, sends_to: address }) {
    const loading = this.#state === "loading";
    byId("server-model").replaceChildren(...visible(loading || !model ? t("server.loading") : shortName(model)));
    byId("server-model").title = model ?? "";
    byId("server-quant").textContent = has(`quant.${quantisation}`) ? t(`quant.${quantisation}`) : "";
    byId("server-device").replaceChildren(...visible(device || "…"));
    byId("pocket").hidden = !pocket;
    byId("sends-to").hidden = !address;
    byId("sends-to").replaceChildren(...visible(address ? t("server.sendsTo", { address }) : ""));
    byId("tagline").textContent = t(address ? "page.taglineRemote" : "page.tagline");
    byId("privacy").textContent = t(address ? "result.privacyRemote" : "result.privacy");
    byId("server-memory-box").hidden = !memory?.total_bytes;
    if (!memory?.total_bytes) return;
    byId("server-memory-kind").textContent = t(`server.${memory.kind === "vram" ? "vram" : "ram"}`);
    byId("server-memory").textContent = `${format.size(memory.used_bytes)} / ${format.size(memory.total_bytes)}`;
    byId("server-memory-bar").value = memory.used_bytes / memory.total_bytes;
  }

  #drawLoading() {
    const problem = this.#loading;
    const { stage = "loading", done = 0, total = 0, unit = "bytes", detail = "" } = {
      ...this.#facts?.progress,
      ...problem.details,
    };
    const failed = this.#failed;
    byId("loading").classList.toggle("failed", failed);
    byId("loading-stage").textContent = t(failed ? "loading.failed" : has(`loading.${stage}`) ? `loading.${stage}` : "loading.loading");
    byId("loading-bar").hidden = failed;
    if (total > 0) byId("loading-bar").value = done / total;
    else byId("loading-bar").removeAttribute("value");
    byId("loading-amount").textContent = failed ? "" : amount(done, total, unit);
    byId("loading-detail").replaceChildren(...visible(failed ? "" : String(detail)));
    const said = failed ? [problem.serverMessage, problem.hint].filter(Boolean) : [];
    byId("loading-why").replaceChildren(...said.map((words) => el("p", {}, ...visible(words))));
    byId("loading-note").textContent = t(failed ? "loading.failedNote" : "loading.note");
    const elapsed_s = (performance.now() - this.#startedAt_ms) / 1000;
    byId("loading-elapsed").textContent = failed ? "" : t("loading.elapsed", { time: format.time(elapsed_s) });
  }
}

function amount(done, total, unit) {
  if (!(total > 0)) return "";
  if (unit === "bytes") return `${format.size(done)} / ${format.size(total)}`;
  return t(unit === "tensors" ? "loading.tensors" : "loading.steps", { done, total });
}

// "/models/Qwen2.5-Coder-7B-Instruct" and "Qwen/Qwen2.5-Coder-7B-Instruct" are both shown by their last part.
function shortName(model) {
  return model.replace(/[\\/]+$/, "").split(/[\\/]/).pop() || model;
}
