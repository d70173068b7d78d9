// The page's pure parts around a report: fixes as diffs, what is sent to ask about a finding, zip archives, charts.
import assert from "node:assert/strict";
import test from "node:test";
import { deflateRawSync } from "node:zlib";

globalThis.navigator ??= { languages: [] }; // i18n.js asks it; node 20 has none
const { path } = await import("../../static/js/chart.js");
const { diffLines, indentedLike } = await import("../../static/js/diff.js");
const { left_s } = await import("../../static/js/estimate.js");
const { worthOpening } = await import("../../static/js/files.js");
const { partsOf } = await import("../../static/js/fix.js");
const { excerpt, messagesOf, roomFor } = await import("../../static/js/talk.js");
const { entriesOf } = await import("../../static/js/zip.js");

const signs = (lines) => lines.map(({ sign, text }) => sign + text);

test("a diff keeps what both have and turns one into the other", () => {
  assert.deepEqual(signs(diffLines(["a", "b", "c"], ["a", "x", "c", "d"])), [" a", "-b", "+x", " c", "+d"]);
  assert.deepEqual(signs(diffLines([], ["a"])), ["+a"]);
  assert.deepEqual(signs(diffLines(["a"], [])), ["-a"]);
});

test("any two texts: the kept and removed lines are the one, the kept and added the other", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
  for (let round = 0; round < 200; round += 1) {
    const [before, after] = [0, 1].map(() => Array.from({ length: random(9) }, () => "abc"[random(3)]));
    const lines = diffLines(before, after);
    assert.deepEqual(lines.filter(({ sign }) => sign !== "+").map(({ text }) => text), before);
    assert.deepEqual(lines.filter(({ sign }) => sign !== "-").map(({ text }) => text), after);
  }
});

test("a huge diff is not computed, only shown", () => {
  const many = Array.from({ length: 1000 }, (_, number) => String(number));
  assert.equal(diffLines(many, many).length, 2000);
});

test("a fix is moved to where the code stands, never the other way", () => {
  assert.deepEqual(indentedLike(["a", "  b", ""], ["\t\tx"]), ["\t\ta", "\t\t  b", ""]);
  assert.deepEqual(indentedLike(["    a"], ["  x"]), ["    a"]);
  assert.deepEqual(indentedLike([""], ["  x"]), [""]);
});

test("what stands in fences is code, the rest is prose", () => {
  assert.deepEqual(partsOf("Do:\n\n```py\na\n\nb\n```\nthen `c`."), [
    { code: false, language: "", text: "Do:" },
    { code: true, language: "py", text: "a\n\nb" },
    { code: false, language: "", text: "then `c`." },
  ]);
  assert.deepEqual(partsOf("```\nnever closed"), [{ code: false, language: "", text: "```\nnever closed" }]);
  assert.deepEqual(partsOf(""), []);
});

test("a span that rewrites the line is code too, another one is not", () => {
  const line = '    query = f"SELECT id FROM users WHERE name = {name}"';
  const fix = 'Bind it: `query = "SELECT id FROM users WHERE name = ?"`, then `execute(query)`.';
  assert.deepEqual(partsOf(fix, line), [
    { code: false, language: "", text: fix },
    { code: true, language: "", text: 'query = "SELECT id FROM users WHERE name = ?"' },
  ]);
  const code = { code: true, language: "", text: 'query = "SELECT id FROM users WHERE name = ?"' };
  assert.deepEqual(partsOf(`\`\`\`python ${code.text} \`\`\``, line), [code]);
  assert.deepEqual(partsOf(`Bind: \`${code.text}\`.`, line), [{ code: false, language: "", text: "Bind:" }, code]);
  assert.equal(partsOf("Use `subprocess.run(args, shell=False)`.", line).length, 1);
  assert.equal(partsOf(`Never write \`${line.trim()}\`.`, line).length, 1);
});

test("an excerpt is around the line and fits", () => {
  const text = Array.from({ length: 1000 }, (_, number) => `line ${number + 1}`).join("\n");
  const cut = excerpt(text, 500, 1000);
  assert.ok(!cut.whole && cut.text.length <= 1000 && cut.text.length > 900);
  assert.ok(cut.start < 500 && cut.end > 500);
  assert.equal(cut.text.split("\n")[500 - cut.start], "line 500");
  assert.deepEqual(excerpt("a\nb", 1, 10), { text: "a\nb", start: 1, end: 2, whole: true });
  assert.ok(excerpt("x".repeat(5000), 1, 1000).text.length <= 1000);
  assert.ok(excerpt(text, 5000, 1000).end === 1000);
});

test("the code comes first, in a fence that it cannot close, and grows a prefix", () => {
  const words = { system: "s", code: "Code:", finding: "Found." };
  const first = { role: "user", content: "Why?" };
  const one = messagesOf({ words, code: "a ```` b", turns: [first] });
  assert.match(one[1].content, /^Code:\n`{5}\na ```` b\n`{5}\n\nFound\.\n\nWhy\?$/);
  const two = messagesOf({ words, code: "a ```` b", turns: [first, { role: "assistant", content: "So." }, first] });
  assert.deepEqual(two.slice(0, 2), one);
  assert.ok(roomFor(0) > 0 && roomFor(32768) > roomFor(8192));
});

function zip(files, { flags = 0 } = {}) {
  const [parts, directory] = [[], []];
  let at = 0;
  for (const { name, data, method = 8, claimed = data.length } of files) {
    const [raw, packed] = [Buffer.from(name), method === 8 ? deflateRawSync(data) : data];
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(raw.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(claimed, 24);
    entry.writeUInt16LE(raw.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(head, raw, packed);
    directory.push(entry, raw);
    at += 30 + raw.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

const text = async (entry) => new TextDecoder().decode(await entry.read());

test("a zip is read: stored and deflated, folders left out", async () => {
  const data = Buffer.from("print(1)\n".repeat(1000));
  const entries = entriesOf(zip([{ name: "a/", data: Buffer.alloc(0), method: 0 }, { name: "a/b.py", data }, { name: "c", data, method: 0 }]));
  assert.deepEqual(entries.map(({ name }) => name), ["a/b.py", "c"]);
  assert.equal(await text(entries[0]), data.toString());
  assert.equal(await text(entries[1]), data.toString());
});

test("what is no zip, encrypted, broken or larger than it says is refused", async () => {
  assert.equal(entriesOf(new Uint8Array(100)), null);
  assert.equal(entriesOf(new Uint8Array()), null);
  const data = Buffer.alloc(100_000);
  assert.equal(await entriesOf(zip([{ name: "bomb", data, claimed: 10 }]))[0].read(), null);
  assert.equal(await entriesOf(zip([{ name: "secret", data }], { flags: 1 }))[0].read(), null);
  const broken = zip([{ name: "a", data: Buffer.from("x".repeat(1000)) }]);
  broken.fill(0xff, 31, 40);
  assert.equal(await entriesOf(broken)[0].read(), null);
});

test("what is not code is not opened from a folder", () => {
  for (const name of ["src/a.py", "vendors.go", "a/.env.example", "Dockerfile", "outline/x.c"]) assert.ok(worthOpening(name), name);
  for (const name of ["node_modules/x.js", "a/.git/config", "x.PNG", "a/b.min.js", "dist/x.js"]) assert.ok(!worthOpening(name), name);
});

test("a chart's path has gaps where nothing is known, and stays in its frame", () => {
  assert.equal(path([0, 50, null, 200], 100, 4), "M0.0 60.0L100.0 30.0M300.0 0.0");
  assert.equal(path([], 100, 60), "");
});

test("the time left: a stage goes on as it went, within the budget, and the clock runs", () => {
  const model = { stage: "model", done: 2, total: 6, spent_s: 10 };
  const heard = (heard_s, budget_s = 0) => left_s(model, { budget_s, heard_s, stage_s: 10 + heard_s });
  assert.equal(heard(0), 20);
  assert.equal(heard(5), 15);
  assert.equal(heard(100), 0);
  assert.equal(heard(0, 15), 5);
  assert.equal(heard(3, 15), 2);
  const times = { budget_s: 40, heard_s: 8, stage_s: 8 };
  assert.equal(left_s({ stage: "model", done: 0, total: 1, spent_s: 0.1 }, times), 0);
  assert.equal(left_s(null, times), 0);
});
