// The finished report: risk, warnings, coverage, what was filtered, left out, suppressed or not audited, and facts.
// Everything is drawn from the JSON's fields as text; the Markdown is only copied.

import { originText } from "./card.js";
import { byId, el, visible } from "./dom.js";
import * as format from "./format.js";
import { has, t } from "./i18n.js";

const PARTS = ["summary", "warnings", "left-out", "coverage", "skipped", "filtered", "suppressed"];

/** Draws `report`, or hides the report's parts if it is null. */
export function drawReport(report) {
  for (const id of PARTS) byId(id).hidden = true;
  if (!report) return;
  drawSummary(report);
  drawList("warnings", report.warnings);
  drawList("left-out", report.left_out);
  drawCoverage(report.coverage ?? []);
  drawFold("skipped", report.skipped, ({ file, reason }) => [el("strong", {}, ...visible(file)), ": ", ...visible(reason)]);
  drawFiltered(report.filtered);
  drawFold("suppressed", report.suppressed, suppressed);
}

/** What did not become a finding, and why; also while a job runs. */
export function drawFiltered(rejected) {
  drawFold("filtered", rejected, ({ title, file, line, reason, origin, cwe, confidence }) => [
    el("strong", {}, ...visible(title)),
    ` (${placeOf(file, line)}`,
    ...(cwe ? [", ", ...visible(cwe)] : []),
    ...(origin ? [", ", originText({ origin, rule_id: "" }).replace(" ?", "")] : []),
    ...(typeof confidence === "number" ? [`, ${t("finding.confidence", { percent: Math.round(confidence * 100) })}`] : []),
    "): ",
    ...visible(reason),
  ]);
}

function drawSummary(report) {
  const findings = report.findings ?? [];
  const counted = findings.filter((finding) => finding.counts !== false).length;
  byId("risk").replaceChildren(...visible(riskWords(report.risk_level)));
  byId("risk").className = `risk severity-${has(`risk.${report.risk_level}`) ? report.risk_level : "info"}`;
  byId("clean").hidden = counted > 0;
  byId("clean").textContent = t(findings.length ? "result.noneCount" : "result.noFindings");
  byId("facts").replaceChildren(...visible(facts(report)));
  byId("summary").hidden = false;
}

/** The words for a risk level, or the level itself if the server knows one that this page does not. */
export const riskWords = (level) => (has(`risk.${level}`) ? t(`risk.${level}`) : String(level));

function facts({ model, device, quantisation, usage = {}, timings = {}, budget_s: budget_s = 0, sent_to: address = "" }) {
  const tokens = format.whole((usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0));
  const speed = (Number(timings.tokens_per_s) || 0).toFixed(1);
  const time = format.time(timings.total_s);
  const parts = [
    budget_s > 0 ? t("run.doneOf", { time, budget: format.time(budget_s) }) : t("run.done", { time }),
    t("result.facts", { model: `${model}${has(`quant.${quantisation}`) ? `, ${t(`quant.${quantisation}`)}` : ""}`, device, tokens, speed }),
  ];
  if (timings.queued_s >= 0.1) parts.push(t("result.queuedTime", { time: format.time(timings.queued_s) }));
  if (address) parts.push(t("result.sentTo", { address }));
  return parts.join(" · ");
}

function drawList(id, lines) {
  byId(id).hidden = !lines?.length;
  byId(`${id}-list`).replaceChildren(...(lines ?? []).map((line) => el("li", {}, ...visible(line))));
}

function drawFold(id, list, nodesOf) {
  byId(id).hidden = !list?.length;
  byId(`${id}-head`).textContent = t(`result.${id}`, { n: list?.length ?? 0 });
  byId(`${id}-list`).replaceChildren(...(list ?? []).map((one) => el("li", {}, ...nodesOf(one))));
}

const placeOf = (file, line) => `${file || t("finding.pasted")}, ${t("finding.line", { start: line })}`;

function suppressed({ finding, by, reason }) {
  return [
    el("strong", {}, ...visible(finding.title)),
    ` (${placeOf(finding.file, finding.start_line)}; ${t(by === "comment" ? "result.byComment" : "result.byBaseline")})`,
    ...(reason ? [": ", ...visible(reason)] : []),
  ];
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
