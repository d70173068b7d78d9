// The page's SSE reader: whatever the cuts, the events are the same.
import assert from "node:assert/strict";
import test from "node:test";

import { readEvents, SseParser } from "../../static/js/sse.js";

const WIRE =
  ": keep-alive\n\n" +
  'event: token\ndata: {"text":"漏洞 🔓 é"}\n\n' +
  'data:{"a":1}\r\n\r\n' +
  'event: report\rdata: {"b":\rdata: 2}\r\rid: 7\nretry: 10\nunknown\n\n' +
  'event: no-data\n\nevent: finding\ndata: "x: y"\n\n';
const EVENTS = [
  { event: "token", data: { text: "漏洞 🔓 é" } },
  { event: "message", data: { a: 1 } },
  { event: "report", data: { b: 2 } },
  { event: "finding", data: "x: y" },
];

const streamOf = (...pieces) =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

async function collect(stream) {
  const events = [];
  for await (const event of readEvents(stream)) events.push(event);
  return events;
}

test("a cut at any byte changes nothing", async () => {
  const bytes = new TextEncoder().encode(WIRE);
  for (let cut = 0; cut <= bytes.length; cut += 1)
    assert.deepEqual(await collect(streamOf(bytes.slice(0, cut), bytes.slice(cut))), EVENTS, `cut at ${cut}`);
});

test("one byte at a time changes nothing", async () => {
  const bytes = new TextEncoder().encode(WIRE);
  assert.deepEqual(await collect(streamOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)))), EVENTS);
});

test("an event without its blank line is dropped, and a first byte order mark too", async () => {
  const bytes = new TextEncoder().encode('\uFEFFdata: 1\n\ndata: 2\n');
  assert.deepEqual(await collect(streamOf(bytes)), [{ event: "message", data: 1 }]);
});

test("only one space after the colon belongs to the format", () => {
  assert.deepEqual(new SseParser().push("data:  two\n\n"), [{ event: "message", data: " two" }]);
});

test("leaving the loop early cancels the stream", async () => {
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const _ of readEvents(endless)) break;
  assert.equal(cancelled, true);
});

test("a megabyte in one event arrives whole", async () => {
  const text = "漏".repeat(350_000);
  const bytes = new TextEncoder().encode(`data: ${JSON.stringify(text)}\n\n`);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 16_384) pieces.push(bytes.slice(at, at + 16_384));
  assert.equal((await collect(streamOf(...pieces)))[0].data, text);
});
