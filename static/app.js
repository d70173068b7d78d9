// The page: puts the parts together. The parts know nothing of one another.

import { Chat } from "./js/chat.js";
import * as client from "./js/client.js";
import { Count } from "./js/count.js";
import { byId, invisibleLines } from "./js/dom.js";
import { Editor } from "./js/editor.js";
import { copyText, download, watchMenu } from "./js/export.js";
import { Files } from "./js/files.js";
import { severityOf, SEVERITIES } from "./js/filters.js";
import { badges, Findings, keyOf } from "./js/findings.js";
import { History } from "./js/history.js";
import * as i18n from "./js/i18n.js";
import { Job } from "./js/job.js";
import { onKeyGiven } from "./js/key.js";
import { Machine } from "./js/machine.js";
import { drawNotice, hideNotice, showNote, showProblem } from "./js/problems.js";
import { drawFiltered, drawReport } from "./js/report.js";
import { Server } from "./js/server.js";
import { Sources } from "./js/sources.js";
import { Tabs } from "./js/tabs.js";
import { drawTheme, watchTheme } from "./js/theme.js";

const { t } = i18n;
const SAMPLES = { python: "invoices.py", rust: "vault.rs" };
const COPIED_MS = 3000;

const sources = new Sources(() => showFile());
const editor = new Editor(byId("editor-host"), { words: editorWords, onChange: edited, onSign: selectAt });
const count = new Count(detected);
const findings = new Findings({
  show: showInCode,
  dismiss: (finding, reason) => setDismissed(finding, reason),
  undo: (finding) => setDismissed(finding, null),
  ask: (finding) => chat.begin(keyOf(finding), finding),
  talk: (finding) => chat.nodeOf(keyOf(finding)),
  lines: (finding) => job.linesOf(finding),
});
const tabs = new Tabs(sources, (file) => badges(findings.all).get(file.name) ?? null);
const chat = new Chat({ subject: (finding) => job.sourceOf(finding), server: () => server.facts });
const machine = new Machine();
const history = new History(reopen);
const server = new Server({
  onReady: () => {
    machine.look();
    drawContent(); // tokens can be counted now
  },
  onFacts: (facts) => history.look(facts.history),
});
const job = new Job({ findings, onFindings: markCode, onState: drawButtons, onEnd: ended });
new Files((opened) => open(opened), showNote);

// ---- the code ------------------------------------------------------------------------------------------------

function editorWords() {
  const phrases = Object.fromEntries(i18n.keysUnder("search.").map((key) => [key.slice("search.".length), t(key)]));
  return { label: t("editor.code"), placeholder: t("editor.placeholder"), phrases };
}

function showFile() {
  const file = sources.current;
  editor.show(file);
  byId("filename").value = file.name;
  byId("language").value = file.language;
  tabs.draw();
  drawContent();
  markCode();
}

function edited(file) {
  file.touched = true;
  drawContent();
}

function drawContent() {
  const file = sources.current;
  file.text = editor.textOf(file);
  const others_bytes = sources.files.filter((other) => other !== file).reduce((sum, { text }) => sum + text.length, 0);
  count.look(file, file.text, editor.linesOf(file), others_bytes);
  const invisible = invisibleLines(file.text);
  byId("suspicious").hidden = invisible.length === 0;
  byId("suspicious").textContent = t("editor.invisible", { lines: suspiciousLines(invisible) });
  byId("language-auto").textContent =
    file.detected && !file.language ? t("editor.detected", { language: languageName(file.detected) }) : t("editor.auto");
  byId("clear").disabled = file.text === "" && sources.files.length === 1;
  drawButtons();
}

const languageName = (id) => byId("language").querySelector(`option[value="${CSS.escape(id)}"]`)?.textContent ?? t("editor.plain");

function detected(file, language) {
  if (file.detected === language) return;
  file.detected = language;
  if (file !== sources.current) return;
  if (!file.language) editor.speak(language);
  drawContent();
}

function suspiciousLines(lines) {
  const named = lines.slice(0, 5).map(({ line, codes }) => t("editor.invisibleLine", { line, codes: codes.join(" ") }));
  if (lines.length > named.length) named.push(t("editor.invisibleMore", { n: lines.length - named.length }));
  return named.join(i18n.currentLang() === "zh" ? "、" : ", ");
}

function open(opened, how) {
  hideNotice();
  sources.add(opened, how);
}

async function openSample(name) {
  const response = await fetch(new URL(`./samples/${name}.txt`, import.meta.url));
  open([{ name, text: await response.text() }], { sample: true });
}

function clear() {
  hideNotice();
  sources.close(sources.current);
  if (sources.files.length === 1 && sources.current.text !== "") editor.focus();
  drawContent();
  editor.focus();
}

// ---- findings and code -----------------------------------------------------------------------------------------

function showInCode(finding, { focus = false } = {}) {
  const file = sources.named(finding.file);
  if (!file) {
    showNote(() => [t("finding.closed", { name: finding.file })]);
    return;
  }
  if (file !== sources.current) sources.show(file);
  const start = finding.quote ? editor.find(finding.quote, finding.start_line) : finding.start_line;
  if (!start) {
    showNote(() => [t("finding.moved")]);
    return;
  }
  editor.point(start, start + Math.max(0, finding.end_line - finding.start_line), { focus });
}

const inFile = (file) => findings.all.filter((finding) => sources.named(finding.file) === file);

function selectAt(line) {
  const here = inFile(sources.current).filter((finding) => {
    const start = finding.quote ? editor.find(finding.quote, finding.start_line) : finding.start_line;
    return start <= line && line <= start + Math.max(0, finding.end_line - finding.start_line);
  });
  const again = here.indexOf(findings.current); // a second click goes to the next of several
  if (here.length) findings.select(here[(again + 1) % here.length], { show: false });
}

function markCode() {
  const rank = (finding) => SEVERITIES.indexOf(severityOf(finding));
  const marks = inFile(sources.current)
    .filter((finding) => finding.counts !== false)
    .sort((a, b) => rank(a) - rank(b))
    .map((finding) => ({
      line: finding.start_line,
      severity: severityOf(finding),
      label: `${t(`severity.${severityOf(finding)}`)}: ${finding.title}`,
    }));
  editor.mark(marks);
  tabs.draw();
}

async function setDismissed(finding, reason) {
  const id = job.report?.id;
  findings.setDismissed(finding, reason);
  markCode();
  if (!id || !finding.fingerprint || !history.available) return;
  try {
    await (reason === null ? client.undismiss(id, finding.fingerprint) : client.dismiss(id, finding.fingerprint, reason));
  } catch (error) {
    if (!(error instanceof client.Problem)) throw error;
    showProblem(error); // it stays as it is on the page; the server could not keep it
  }
}

// ---- a job -----------------------------------------------------------------------------------------------------

function run() {
  if (job.running) return;
  const wanted = sources.files.filter((file) => file.text.trim() !== "");
  if (wanted.length === 0) {
    showProblem(new client.Problem({ code: "empty_code" }));
    editor.focus();
    return;
  }
  hideNotice();
  chat.clear();
  byId("welcome").hidden = true;
  byId("results").scrollTop = 0;
  if (matchMedia("(max-width: 56rem)").matches) byId("results").scrollIntoView(); // there it lies below the code
  job.run(wanted, { lang: i18n.currentLang(), budget_s: count.budget_s });
}

function ended(problem) {
  if (problem) showProblem(problem, run);
  byId("welcome").hidden = job.report !== null || findings.all.length > 0 || !byId("live").hidden;
  byId("suppressions").hidden = !history.available;
  server.look();
  machine.look();
}

function reopen({ report, error, sources: files, dismissed }) {
  hideNotice();
  chat.clear();
  job.reopen(report, files, dismissed);
  if (!report) showNote(() => [t("history.failed"), error ?? ""]);
  sources.replace(files.map(({ name, text, language }) => ({ name, text, language: "", detected: language })));
  byId("welcome").hidden = true;
  byId("suppressions").hidden = !history.available;
  byId("results").focus();
}

function drawButtons() {
  byId("audit").disabled = job.running;
  byId("stop").disabled = !job.running;
  byId("results").setAttribute("aria-busy", String(job.running));
}

// ---- buttons and keys ------------------------------------------------------------------------------------------

async function copyReport() {
  byId("copied").textContent = t((await copyText(job.report.result)) ? "result.copied" : "result.copyFailed");
  setTimeout(() => byId("copied").replaceChildren(), COPIED_MS);
}

async function save(form) {
  try {
    await download(job.report, form);
  } catch (error) {
    if (!(error instanceof client.Problem)) throw error;
    if (error.absent) showNote(() => [t("error.noExport")]);
    else showProblem(error);
  }
}

function drawAll() {
  drawTheme();
  editor.translate();
  findings.draw();
  job.draw();
  drawReport(job.report);
  if (!job.report) drawFiltered(job.filtered);
  showFile();
  drawNotice();
  server.draw();
  machine.draw();
  history.draw();
}

const onClick = (id, action) => byId(id).addEventListener("click", action);
onClick("audit", run);
onClick("stop", () => job.stop());
onClick("clear", clear);
onClick("sample-python", () => openSample(SAMPLES.python));
onClick("sample-rust", () => openSample(SAMPLES.rust));
onClick("copy", copyReport);
onClick("dismiss", hideNotice);
onClick("lang", () => i18n.setLang(i18n.currentLang() === "zh" ? "en" : "zh"));
onClick("skip", (event) => {
  event.preventDefault();
  editor.focus();
});
onKeyGiven(() => {
  server.look();
  machine.look();
});
watchMenu(save);
watchTheme();
byId("filename").addEventListener("input", () => {
  Object.assign(sources.current, { name: byId("filename").value.trim(), touched: true, detected: "" });
  tabs.draw();
  drawContent();
});
byId("language").addEventListener("change", () => {
  sources.current.language = byId("language").value;
  editor.speak(sources.current.language || sources.current.detected);
  drawContent();
});
document.addEventListener("keydown", (event) => {
  // Esc and Enter may belong to the input method, or to the editor's search.
  if (event.isComposing || event.defaultPrevented) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]") && (chat.stop() || job.stop())) {
    event.preventDefault();
  } else if (event.key === "F8") {
    event.preventDefault();
    findings.step(event.shiftKey ? -1 : 1);
  }
});

i18n.onLang(drawAll);
i18n.apply();
server.look();
