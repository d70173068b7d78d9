// The machine at a glance: utilisation, memory, tokens a second, who runs and waits, and the last five minutes.
// Asks GET /api/machine while the page is seen; a server without it leaves what /health says.

import { chart } from "./chart.js";
import { machine, Problem } from "./client.js";
import { byId, el } from "./dom.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

const EVERY_MS = 5000;
const SAMPLES = 60; // five minutes

export class Machine {
  #now = null;
  #timer = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    byId("machine-open").addEventListener("click", () => {
      const open = byId("machine").hidden;
      byId("machine").hidden = !open;
      byId("machine-open").setAttribute("aria-expanded", String(open));
      if (open) this.look();
    });
  }

  /** The last answer of GET /api/machine, or null. */
  get now() {
    return this.#now;
  }

  /** Looks now, and then again as long as the page is seen and the server answers this. */
  async look() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      this.#now = await machine();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#now = null;
      this.draw();
      if (error.absent) return;
    }
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), EVERY_MS);
  }

  draw() {
    const now = this.#now;
    byId("machine-open").hidden = !now;
    byId("glance").hidden = !now;
    if (!now) {
      byId("machine").hidden = true;
      byId("machine-open").setAttribute("aria-expanded", "false");
      return;
    }
    const speed = format.speed(now.tokens_per_s);
    const used = typeof now.utilisation_percent === "number" ? `${Math.round(now.utilisation_percent)} %` : "";
    byId("glance").textContent = [used, t("machine.speed", { n: speed })].filter(Boolean).join(" · ");
    if (byId("machine").hidden) return;
    this.#drawPanel(now, used, speed);
  }

  #drawPanel(now, used, speed) {
    const samples = (now.samples ?? []).slice(-SAMPLES);
    const { used_bytes: memory = 0, total_bytes: total = 0, kind = "ram" } = now.memory ?? {};
    const series = (name) => samples.map((sample) => sample[name] ?? null);
    const speeds = series("tokens_per_s");
    const fastest = Math.max(10, ...speeds.filter(Number.isFinite));
    const figures = [
      [t("machine.utilisation"), used || t("machine.unknown"), series("utilisation_percent"), 100],
      [t(kind === "vram" ? "server.vram" : "server.ram"), `${format.size(memory)} / ${format.size(total)}`, series("memory_used_bytes"), total],
      [t("machine.tokens"), t("machine.speed", { n: speed }), speeds, fastest],
    ];
    byId("machine-figures").replaceChildren(
      ...figures.map(([name, value, values, top]) =>
        el(
          "div",
          { class: "figure" },
          el("dt", {}, name),
          el("dd", {}, value),
          el("dd", {}, chart(values, { top, length: SAMPLES, label: t("machine.chart", { name, value }) })),
        ),
      ),
    );
    byId("machine-jobs").textContent = t("machine.jobs", { running: now.running ?? 0, waiting: now.waiting ?? 0 });
  }
}
