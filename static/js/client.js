// Talking to the server. Knows the routes and the shape of errors; draws nothing.

import { askForKey, keyHeaders } from "./key.js";
import { readEvents } from "./sse.js";

const QUICK_MS = 8000;
const HISTORY = "/api/history";

/** An answer that is not what was asked for. `code` "unreachable" and "cut_off" are the page's own. */
export class Problem extends Error {
  constructor({ status = 0, code, message = "", hint = "", request_id = "", retryAfter_s = 0, details = {} }) {
    super(message || code);
    Object.assign(this, { status, code, hint, requestId: request_id, retryAfter_s, details });
    this.serverMessage = message;
  }

  /** The server has no such route, or has it switched off. */
  get absent() {
    return this.status === 404 || this.status === 405 || this.code === "history_off";
  }
}

async function problemOf(response) {
  let body = {};
  try {
    body = (await response.json()).error ?? {};
  } catch {
    // not JSON: something between us and the server answered; the status still says enough
  }
  const retryAfter_s = Number(response.headers.get("Retry-After")) || 0;
  return new Problem({ ...body, code: body.code ?? "", status: response.status, retryAfter_s, details: body });
}

/** The answer, which is `ok`. Throws Problem, or AbortError. A refusal for want of a key asks for one and tries again. */
async function request(path, { headers = {}, quietly = false, ...options } = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, {
        cache: "no-store",
        credentials: "same-origin",
        ...options,
        headers: { ...keyHeaders(), ...headers },
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem({ code: "unreachable" });
    }
    if (response.ok) return response;
    if (response.status !== 401 || !(await askForKey({ quietly }))) throw await problemOf(response);
  }
}

const send = (path, body, options = {}) =>
  request(path, {
    method: "POST",
    ...options,
    headers: { "Content-Type": "application/json", ...options.headers },
    body: JSON.stringify(body),
  });

const get = async (path) => (await request(path, { quietly: true, signal: AbortSignal.timeout(QUICK_MS) })).json();

async function* eventsOf(response, isLast) {
  try {
    for await (const item of readEvents(response.body)) {
      yield item;
      if (isLast(item)) return;
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Problem) throw error;
  }
  throw new Problem({ code: "cut_off" }); // the stream broke, or ended without its terminal event
}

/** Yields the job's events {event, data}, the last one `report` or `error`. Throws Problem, or AbortError on stop. */
export async function* audit(job, signal) {
  const response = await send("/audit", job, { headers: { Accept: "text/event-stream" }, signal });
  yield* eventsOf(response, ({ event }) => event === "report" || event === "error");
}

/** Yields {text, reasoning} of the model's answer to `messages`. Throws Problem, or AbortError on stop. */
export async function* chat(messages, { model, max_tokens, temperature = 0.3 }, signal) {
  const response = await send("/v1/chat/completions", { model, messages, stream: true, max_tokens, temperature }, { signal });
  for await (const { data } of eventsOf(response, ({ data }) => data.choices?.[0]?.finish_reason)) {
    if (data.error) throw new Problem({ ...data.error, details: data.error });
    const delta = data.choices?.[0]?.delta ?? {};
    if (delta.reasoning_content) yield { text: delta.reasoning_content, reasoning: true };
    if (delta.content) yield { text: delta.content, reasoning: false };
  }
}

/** What the server is: model, device, memory, state. */
export const health = () => get("/health");

/** null when the server is ready, else the Problem that says how far it is. */
export async function notReady() {
  try {
    await get("/ready");
    return null;
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return error;
    throw error;
  }
}

/** How the machine is doing, and its last five minutes. */
export const machine = () => get("/api/machine");

/** {tokens, lines, bytes, language} of a text, and the server's limits {max_body_bytes, budget_s}. */
export const count = async (code, filename, signal) =>
  (await send("/api/count", { code, filename }, { quietly: true, signal })).json();

/** The report in another form: "markdown", "sarif" or "html". */
export const exported = async (report, format) => (await send(`/api/export?format=${format}`, report)).text();

// ---- the history ---------------------------------------------------------------------------------------------

/** {items, next} of the audits before `before`, newest first, whose title or file matches `q`. */
export function history({ before = "", q = "", limit = 30 } = {}) {
  const query = new URLSearchParams({ limit: String(limit), ...(before && { before }), ...(q && { q }) });
  return get(`${HISTORY}?${query}`);
}

const entryPath = (id) => `${HISTORY}/${encodeURIComponent(id)}`;
const dismissalPath = (id, fingerprint) => `${entryPath(id)}/dismissals/${encodeURIComponent(fingerprint)}`;

/** {report, sources, dismissed} of one audit. */
export const historyEntry = async (id) => (await request(entryPath(id))).json();

/** Deletes one audit, or all of them without an `id`. */
export const forget = (id = "") => request(id ? entryPath(id) : HISTORY, { method: "DELETE" });

export const dismiss = (id, fingerprint, reason) =>
  send(dismissalPath(id, fingerprint), { reason }, { method: "PUT" });

export const undismiss = (id, fingerprint) => request(dismissalPath(id, fingerprint), { method: "DELETE" });

/** The baseline file of what was dismissed in one audit, as text. */
export const suppressions = async (id) => (await request(`${entryPath(id)}/suppressions`)).text();
