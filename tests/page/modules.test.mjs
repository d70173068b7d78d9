// The page's pure parts: decoding a file, numbers as people read them, invisible characters.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.navigator ??= { languages: [] }; // i18n.js asks it; node 20 has none
const { invisibleLines } = await import("../../static/js/dom.js");
const { decode } = await import("../../static/js/files.js");
const format = await import("../../static/js/format.js");
const { initialLang } = await import("../../static/js/i18n.js");

test("files are decoded as UTF-8, UTF-16 with a mark, or GB18030", () => {
  assert.equal(decode(new TextEncoder().encode("é 漏洞")), "é 漏洞");
  assert.equal(decode(new TextEncoder().encode("\uFEFFa")), "a");
  assert.equal(decode(Uint8Array.of(0xff, 0xfe, 0x0f, 0x6f, 0x41, 0)), "漏A");
  assert.equal(decode(Uint8Array.of(0xfe, 0xff, 0x6f, 0x0f, 0, 0x41)), "漏A");
  assert.equal(decode(Uint8Array.of(0xc2, 0xa9, 0xb6, 0xb4)), "漏洞");
  assert.equal(decode(new Uint8Array()), "");
});

test("binary is not text", () => {
  assert.equal(decode(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0)), null);
  assert.equal(decode(Uint8Array.of(0x61, 0xff, 0xff)), null);
});

test("sizes, times and ranges", () => {
  assert.equal(format.size(0), "0 B");
  assert.equal(format.size(1536), "1.5 KiB");
  assert.equal(format.size(7_763_001_344), "7.23 GiB");
  assert.equal(format.time(8.24), "8.2 s");
  assert.equal(format.time(59.97), "1:00");
  assert.equal(format.time(3_725), "62:05");
  assert.equal(format.ranges([{ start_line: 1, end_line: 4 }, { start_line: 9, end_line: 9 }]), "1-4, 9");
});

test("invisible characters are found with their lines", () => {
  assert.deepEqual(invisibleLines("tab\tis\r\nfine, 漏洞 too\n"), []);
  assert.deepEqual(invisibleLines("\u202Ea\n\nb\u200B\u2066\u200B"), [
    { line: 1, codes: ["U+202E"] },
    { line: 3, codes: ["U+200B", "U+2066"] },
  ]);
});

test("the first language: remembered, then the browser's order, then English", () => {
  assert.equal(initialLang("en", ["zh-CN"]), "en");
  assert.equal(initialLang(null, ["fr", "zh-TW", "en"]), "zh");
  assert.equal(initialLang("klingon", ["en-GB", "zh"]), "en");
  assert.equal(initialLang(null, undefined), "en");
});
