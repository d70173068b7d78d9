// Errors in words with what to do. Knows the codes of the server's errors and the page's own two.

import { byId, visible } from "./dom.js";
import { has, t } from "./i18n.js";

const BY_STATUS = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "bad_request",
  408: "cut_off",
  413: "too_large",
  415: "undecodable",
  421: "forbidden",
  422: "bad_request",
  429: "queue_full",
  504: "deadline_exceeded",
  503: "not_ready",
};
const OF_STARTUP = ["model_not_found", "does_not_fit", "missing_dependency", "offloaded"];

export function keyOf({ code, status = 0 }) {
  if (OF_STARTUP.includes(code)) return "error.startup";
  return has(`error.${code}`) ? `error.${code}` : `error.${BY_STATUS[status] ?? "internal"}`;
}

/** The sentences for a problem: what happened and what to do, the wait, the server's own words, the request id. */
export function sentences(problem) {
  const said = [problem.serverMessage, problem.hint].filter(Boolean).join(" ");
  const lines = [t(keyOf(problem))];
  if (problem.retryAfter_s > 0) lines.push(t("error.wait", { n: problem.retryAfter_s }));
  if (said) lines.push(t("error.serverSays", { message: said }));
  if (problem.requestId) lines.push(t("error.requestId", { id: problem.requestId }));
  return lines;
}

let shown = null; // a function that gives the lines, so that a change of language says them again
let countdown = 0;

function show(lines, kind) {
  shown = { lines, kind };
  const [first, ...others] = lines();
  byId("notice").hidden = false;
  byId("notice").className = `notice ${kind}`;
  byId("notice-text").replaceChildren(...visible(first));
  byId("notice-more").replaceChildren(...visible(others.join("\n")));
}

export function showProblem(problem, onRetry) {
  clearInterval(countdown);
  show(() => sentences(problem), "bad");
  byId("retry").hidden = !onRetry;
  byId("retry").onclick = onRetry ?? null;
  if (problem.retryAfter_s > 0) countdown = setInterval(() => tick(problem), 1000);
}

function tick(problem) {
  problem.retryAfter_s -= 1;
  if (problem.retryAfter_s <= 0) clearInterval(countdown);
  drawNotice();
}

export function showNote(lines) {
  clearInterval(countdown);
  show(lines, "note");
  byId("retry").hidden = true;
}

export function hideNotice() {
  clearInterval(countdown);
  shown = null;
  byId("notice").hidden = true;
}

export function drawNotice() {
  if (shown) show(shown.lines, shown.kind);
}
