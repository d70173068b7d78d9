// Server-sent events from a byte stream, by hand: EventSource cannot POST.
// Knows the wire format only; knows nothing of audits.

/** Turns decoded text, cut anywhere, into events: {event, data} with `data` still a string. */
export class SseParser {
  #rest = "";
  #event = "";
  #data = [];
  #started = false;
  #skipLineFeed = false;

  /** Takes the next text and returns the events that it completed. */
  push(text) {
    if (!this.#started && text !== "") {
      this.#started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    if (this.#skipLineFeed && text !== "") {
      if (text.startsWith("\n")) text = text.slice(1); // the second half of a \r\n that was cut in two
      this.#skipLineFeed = false;
    }
    this.#rest += text;
    const events = [];
    for (let line = this.#nextLine(); line !== null; line = this.#nextLine()) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  // A line ends with \n, \r\n or \r.
  #nextLine() {
    const match = /\r\n|\n|\r/.exec(this.#rest);
    if (!match) return null;
    const line = this.#rest.slice(0, match.index);
    this.#rest = this.#rest.slice(match.index + match[0].length);
    this.#skipLineFeed = match[0] === "\r" && this.#rest === "";
    return line;
  }

  #take(line) {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return null; // a comment keeps the connection alive
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    return null;
  }

  #dispatch() {
    const event = this.#data.length ? { event: this.#event || "message", data: this.#data.join("\n") } : null;
    this.#event = "";
    this.#data = [];
    return event;
  }
}

/** Yields {event, data} from a ReadableStream of bytes; `data` is parsed JSON. An unfinished last event is dropped. */
export async function* readEvents(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder("utf-8"); // one decoder: a character may be split between two pieces
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      for (const { event, data } of parser.push(text)) yield { event, data: JSON.parse(data) };
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {}); // the consumer left early, or the connection is gone already
  }
}
