// Talking to the server: audit, health, ready. Knows the routes and the shape of errors; draws nothing.

import { readEvents } from "./sse.js";

/** An answer that is not what was asked for. `code` "unreachable" and "cut_off" are the page's own. */
export class Problem extends Error {
  constructor({ status = 0, code, message = "", hint = "", request_id = "", retryAfter_s = 0, details = {} }) {
    super(message || code);
    Object.assign(this, { status, code, hint, requestId: request_id, retryAfter_s, details });
    this.serverMessage = message;
  }
}

async function request(path, options = {}) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "unreachable" });
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

/** Yields the job's events {event, data}, the last one `report` or `error`. Throws Problem, or AbortError on stop. */
export async function* audit(job, signal) {
  const response = await request("/audit", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(job),
    signal,
  });
  if (!response.ok) throw await problemOf(response);
  try {
    for await (const item of readEvents(response.body)) {
      yield item;
      if (item.event === "report" || item.event === "error") return;
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Problem) throw error;
  }
  throw new Problem({ code: "cut_off" }); // the stream broke, or ended without its terminal event
}

/** What the server is: model, device, memory, state. */
export async function health() {
  const response = await request("/health", { signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

/** null when the server is ready, else the Problem that says how far it is. */
export async function notReady() {
  const response = await request("/ready", { signal: AbortSignal.timeout(8000) });
  return response.ok ? null : problemOf(response);
}
