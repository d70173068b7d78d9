// The finished report: risk, warnings, coverage, what was filtered, facts; copy and download.
// Everything is drawn from the JSON's fields as text; the Markdown is only copied.

import { byId, el, visible } from "./dom.js";
import { riskWords } from "./findings.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

/** Draws `report`, or hides the report's parts if it is null. */
export function drawReport(report) {
  for (const id of ["summary", "coverage", "skipped", "filtered", "warnings"]) byId(id).hidden = true;
  if (!report) return;
  drawSummary(report);
  drawWarnings(report.warnings ?? []);
  drawCoverage(report.coverage ?? []);
  drawSkipped(report.skipped ?? []);
  drawFiltered(report.filtered ?? []);
}

function drawSummary(report) {
  const counted = (report.findings ?? []).filter((finding) => finding.counts !== false).length;
  const shown = (report.findings ?? []).length;
  byId("risk").textContent = riskWords(report.risk_level);
  byId("risk").className = `risk severity-${report.risk_level}`;
  byId("clean").hidden = counted > 0;
  byId("clean").textContent = t(shown ? "result.noneCount" : "result.noFindings");
  byId("facts").replaceChildren(...visible(facts(report)));
  byId("summary").hidden = false;
}

function facts({ model, device, usage = {}, timings = {} }) {
  const tokens = (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0);
  const speed = (Number(timings.tokens_per_s) || 0).toFixed(1);
  const parts = [t("run.done", { time: format.time(timings.total_s) }), t("result.facts", { model, device, tokens, speed })];
  if (timings.queued_s >= 0.1) parts.push(t("result.queuedTime", { time: format.time(timings.queued_s) }));
  return parts.join(" · ");
}

function drawWarnings(warnings) {
  byId("warnings").hidden = warnings.length === 0;
  byId("warning-list").replaceChildren(...warnings.map((warning) => el("li", {}, ...visible(warning))));
}

function drawCoverage(files) {
  byId("coverage").hidden = files.length === 0;
  byId("coverage-rows").replaceChildren(
    ...files.map((file) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, ...visible(file.file || t("finding.pasted"))),
        el("td", {}, ...visible(file.language)),
        el("td", {}, ...visible(file.encoding)),
        el("td", {}, linesRead(file)),
      ),
    ),
  );
}

function linesRead({ read = [], total_lines: total }) {
  if (read.length === 0) return t("result.notRead", { total });
  const whole = read.length === 1 && read[0].start_line <= 1 && read[0].end_line >= total;
  return whole ? t("result.allRead", { total }) : t("result.linesReadValue", { ranges: format.ranges(read), total });
}

function drawSkipped(skipped) {
  byId("skipped").hidden = skipped.length === 0;
  byId("skipped-head").textContent = t("result.skipped", { n: skipped.length });
  byId("skipped-list").replaceChildren(
    ...skipped.map(({ file, reason }) => el("li", {}, el("strong", {}, ...visible(file)), ": ", ...visible(reason))),
  );
}

function drawFiltered(rejected) {
  byId("filtered").hidden = rejected.length === 0;
  byId("filtered-head").textContent = t("result.filtered", { n: rejected.length });
  byId("filtered-list").replaceChildren(
    ...rejected.map(({ title, file, line, reason }) =>
      el(
        "li",
        {},
        el("strong", {}, ...visible(title)),
        ` (${file || t("finding.pasted")}, ${t("finding.line", { start: line })}): `,
        ...visible(reason),
      ),
    ),
  );
}

/** True if the clipboard took the text. */
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused: try the old way
    }
  }
  const area = el("textarea", { class: "offscreen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy"); // a page that is not on localhost has no navigator.clipboard
  area.remove();
  return copied;
}

export function downloadJson(report) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(report, null, 2)], { type: "application/json" }));
  el("a", { href: url, download: `audit8-${String(report.id).replace(/[^\w-]/g, "_")}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
