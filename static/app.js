// The page: puts the parts together and runs one job at a time. The parts know nothing of one another.

import { audit, Problem } from "./js/client.js";
import { byId } from "./js/dom.js";
import { Editor } from "./js/editor.js";
import { Files } from "./js/files.js";
import { Findings, severityOf } from "./js/findings.js";
import * as format from "./js/format.js";
import * as i18n from "./js/i18n.js";
import { Live } from "./js/live.js";
import { drawNotice, hideNotice, showNote, showProblem } from "./js/problems.js";
import { copyText, downloadJson, drawReport } from "./js/report.js";
import { Server } from "./js/server.js";

const { t } = i18n;
const SAMPLES = { python: "invoices.py", rust: "vault.rs" };
const RANK = ["critical", "high", "medium", "low", "info"];

let running = null; // the AbortController of the job that runs
let report = null;
let how = null; // how the last job ended, when it has no report: a key of the words
let content = { text: "", lines: 0, invisible: [] };

const editor = new Editor(byId("editor"), (next) => {
  content = next;
  drawContent();
});
const findings = new Findings(showInCode);
const live = new Live();
const server = new Server(() => {});
new Files(open, (words) => showNote(() => [words()]));

// ---- the code ------------------------------------------------------------------------------------------------

function open({ name, text }) {
  hideNotice();
  byId("filename").value = name;
  byId("language").value = "";
  editor.text = text;
  editor.mark([]);
}

async function openSample(name) {
  const response = await fetch(new URL(`./samples/${name}.txt`, import.meta.url));
  open({ name, text: await response.text() });
}

function drawContent() {
  const size = format.size(new TextEncoder().encode(content.text).length);
  byId("size").textContent = content.text ? t("editor.size", { lines: content.lines, size }) : t("editor.empty");
  byId("suspicious").hidden = content.invisible.length === 0;
  byId("suspicious").textContent = t("editor.invisible", { lines: suspiciousLines(content.invisible) });
  drawButtons();
}

function suspiciousLines(lines) {
  const named = lines.slice(0, 5).map(({ line, codes }) => t("editor.invisibleLine", { line, codes: codes.join(" ") }));
  if (lines.length > named.length) named.push(t("editor.invisibleMore", { n: lines.length - named.length }));
  return named.join(i18n.currentLang() === "zh" ? "、" : ", ");
}

function showInCode(finding) {
  const start = finding.quote ? editor.find(finding.quote, finding.start_line) : finding.start_line;
  if (!start) {
    showNote(() => [t("finding.moved")]);
    return;
  }
  editor.select(start, start + Math.max(0, finding.end_line - finding.start_line));
}

function markCode() {
  const marks = findings.all
    .filter((finding) => finding.counts !== false)
    .sort((a, b) => RANK.indexOf(severityOf(a)) - RANK.indexOf(severityOf(b)))
    .map((finding) => ({ line: finding.start_line, severity: severityOf(finding) }));
  editor.mark(marks);
}

// ---- a job ---------------------------------------------------------------------------------------------------

const HANDLERS = {
  accepted: (data) => live.accepted(data),
  progress: (data) => live.progress(data),
  token: (data) => live.token(data),
  finding: (data) => {
    findings.add(data);
    markCode();
  },
  report: (data) => {
    report = data;
    findings.replace(data.findings ?? []);
    markCode();
    drawReport(report);
    live.end(true);
  },
  error: (data) => {
    throw new Problem({ ...data, details: data });
  },
};

async function run() {
  if (running) return;
  if (content.text.trim() === "") {
    showProblem(new Problem({ code: "empty_code" }));
    editor.focus();
    return;
  }
  running = new AbortController();
  begin();
  try {
    for await (const { event, data } of audit(job(), running.signal)) HANDLERS[event]?.(data);
  } catch (error) {
    fail(error);
  } finally {
    running = null;
    drawButtons();
    server.look();
  }
}

function job() {
  const filename = byId("filename").value.trim();
  const language = byId("language").value;
  return { code: content.text, lang: i18n.currentLang(), ...(filename && { filename }), ...(language && { language }) };
}

function begin() {
  report = null;
  how = null;
  hideNotice();
  drawReport(null);
  findings.clear();
  editor.mark([]);
  byId("welcome").hidden = true;
  live.start();
  drawButtons();
  byId("results").scrollTop = 0;
}

function fail(error) {
  if (error.name === "AbortError") {
    how = "run.stopped";
  } else {
    const problem = error instanceof Problem ? error : new Problem({ code: "internal", message: String(error) });
    showProblem(problem, () => run());
    how = findings.all.length ? "run.incomplete" : null;
    if (!(error instanceof Problem)) console.error(error);
  }
  live.end(false);
  drawEnding();
  byId("welcome").hidden = findings.all.length > 0 || !byId("live").hidden;
}

function drawEnding() {
  byId("ended").hidden = how === null;
  byId("ended").textContent = how ? t(how) : "";
}

function stop() {
  running?.abort();
}

// ---- buttons and keys ----------------------------------------------------------------------------------------

function drawButtons() {
  byId("audit").disabled = running !== null;
  byId("stop").disabled = running === null;
  byId("results").setAttribute("aria-busy", String(running !== null));
}

async function copyReport() {
  const copied = await copyText(report.result);
  byId("copied").textContent = t(copied ? "result.copied" : "result.copyFailed");
  setTimeout(() => byId("copied").replaceChildren(), 3000);
}

function drawAll() {
  drawContent();
  findings.draw();
  drawReport(report);
  live.draw();
  drawEnding();
  drawNotice();
  server.draw();
}

byId("audit").addEventListener("click", run);
byId("stop").addEventListener("click", stop);
byId("clear").addEventListener("click", () => {
  open({ name: "", text: "" });
  editor.focus();
});
byId("sample-python").addEventListener("click", () => openSample(SAMPLES.python));
byId("sample-rust").addEventListener("click", () => openSample(SAMPLES.rust));
byId("copy").addEventListener("click", copyReport);
byId("download").addEventListener("click", () => downloadJson(report));
byId("dismiss").addEventListener("click", hideNotice);
byId("lang").addEventListener("click", () => i18n.setLang(i18n.currentLang() === "zh" ? "en" : "zh"));
document.addEventListener("keydown", (event) => {
  if (event.isComposing) return; // Esc and Enter belong to the input method
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.key === "Escape" && running) {
    event.preventDefault();
    stop();
  }
});

i18n.onLang(drawAll);
i18n.apply();
server.look();
