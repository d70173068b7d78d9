// One audit: from the files that were sent to its report. Remembers the code as it was audited, whatever the editor
// shows since. Knows the events; the list of findings is given to it.

import { audit, Problem } from "./client.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { Live } from "./live.js";
import { drawFiltered, drawReport } from "./report.js";

export class Job {
  report = null;
  filtered = []; // what the judge has taken back so far
  #abort = null;
  #sources = []; // {name, text, language} as they were sent
  #how = null; // how the job ended, when it has no report: a key of the words
  #live = new Live();

  /** `onFindings()` follows every change of them, `onState()` start and end, `onEnd(problem)` the end. */
  constructor({ findings, onFindings, onState, onEnd }) {
    Object.assign(this, { findings, onFindings, onState, onEnd });
  }

  get running() {
    return this.#abort !== null;
  }

  /** Audits `files`; the report is in the language `lang`. */
  async run(files, { lang, budget_s }) {
    this.#sources = files.map(({ name, text, language, detected }) => ({ name, text, language: language || detected }));
    this.#abort = new AbortController();
    this.#begin(budget_s);
    let problem = null;
    try {
      for await (const { event, data } of audit(bodyOf(files, lang), this.#abort.signal)) this.#take(event, data);
    } catch (error) {
      problem = this.#fail(error);
    }
    this.#abort = null;
    this.#live.end();
    this.#drawEnding();
    this.onState();
    this.onEnd(problem);
  }

  /** True if there was something to stop. */
  stop() {
    this.#abort?.abort();
    return this.#abort !== null;
  }

  /** Shows an audit of before; `report` is null if it failed. */
  reopen(report, sources, dismissed) {
    this.stop();
    this.#sources = sources;
    this.#begin();
    this.#live.end();
    this.report = report;
    this.findings.replace(report?.findings ?? [], dismissed ?? []);
    drawReport(report);
  }

  /** {name, text} of the file that a finding is about, as it was audited. */
  sourceOf({ file }) {
    return this.#sources.find(({ name }) => name === file) ?? this.#sources[0] ?? { name: file, text: "" };
  }

  /** The audited lines of a finding, or null if they cannot be told. */
  linesOf(finding) {
    const lines = this.sourceOf(finding).text.split(/\r\n?|\n/).slice(finding.start_line - 1, finding.end_line);
    const quoted = (finding.quote ?? "").trim().split("\n")[0].trim();
    return lines.length && lines[0].trim() === quoted ? lines : null;
  }

  draw() {
    this.#live.draw();
    this.#drawEnding();
  }

  #begin(budget_s) {
    this.report = null;
    this.filtered = [];
    this.#how = null;
    drawReport(null);
    this.findings.clear();
    this.onFindings();
    this.#live.start(budget_s);
    this.#drawEnding();
    this.onState();
  }

  #take(event, data) {
    if (event === "accepted") this.#live.accepted(data);
    else if (event === "progress") this.#live.progress(data);
    else if (event === "token") this.#live.token(data);
    else if (event === "finding") this.findings.put(data);
    else if (event === "withdrawn") this.#withdraw(data);
    else if (event === "report") this.#finish(data);
    else if (event === "error") throw new Problem({ ...data, details: data });
    if (event === "finding" || event === "withdrawn" || event === "report") this.onFindings();
  }

  #withdraw(place) {
    const finding = this.findings.withdraw(place);
    if (!finding) return;
    const { title, file, start_line: line, origin, cwe } = finding;
    this.filtered = [...this.filtered, { title, file, line, origin, cwe, reason: place.reason }];
    drawFiltered(this.filtered);
  }

  #finish(report) {
    this.report = report;
    this.findings.replace(report.findings ?? []);
    drawReport(report);
  }

  /** Null if the user stopped it, else the Problem. */
  #fail(error) {
    if (error.name === "AbortError") {
      this.#how = "run.stopped";
      return null;
    }
    if (!(error instanceof Problem)) console.error(error);
    const started = this.findings.all.length > 0;
    this.#how = started ? "run.incomplete" : null;
    return error instanceof Problem ? error : new Problem({ code: "internal", message: String(error) });
  }

  #drawEnding() {
    byId("ended").hidden = this.#how === null;
    byId("ended").textContent = this.#how ? t(this.#how) : "";
  }
}

function bodyOf(files, lang) {
  const parts = files.map(({ name, text, language }) => ({ code: text, ...(name && { name }), ...(language && { language }) }));
  return parts.length === 1 ? { ...parts[0], lang } : { files: parts, lang };
}
