// The lines of two texts side by side as one list: kept, taken out, put in. Pure.

const MOST_CELLS = 400_000; // beyond that the whole is taken out and put in

/** [{sign: " " | "-" | "+", text}] that turns `before` into `after`; both are lists of lines. */
export function diffLines(before, after) {
  if (before.length * after.length > MOST_CELLS) return [...signed("-", before), ...signed("+", after)];
  const same = (a, b) => before[a].trimEnd() === after[b].trimEnd();
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width); // of the common part from (a, b) on
  for (let a = before.length - 1; a >= 0; a -= 1)
    for (let b = after.length - 1; b >= 0; b -= 1)
      longest[a * width + b] = same(a, b)
        ? longest[(a + 1) * width + b + 1] + 1
        : Math.max(longest[(a + 1) * width + b], longest[a * width + b + 1]);
  const lines = [];
  let [a, b] = [0, 0];
  while (a < before.length && b < after.length) {
    if (same(a, b)) {
      lines.push({ sign: " ", text: after[b] });
      a += 1;
      b += 1;
    } else if (longest[(a + 1) * width + b] >= longest[a * width + b + 1]) {
      lines.push({ sign: "-", text: before[a] });
      a += 1;
    } else {
      lines.push({ sign: "+", text: after[b] });
      b += 1;
    }
  }
  return [...lines, ...signed("-", before.slice(a)), ...signed("+", after.slice(b))];
}

const signed = (sign, lines) => lines.map((text) => ({ sign, text }));

/** `lines` moved so that they begin where `model` begins: a model forgets how deep the code stands. */
export function indentedLike(lines, model) {
  const deep = (list) => Math.min(...list.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length));
  const [have, want] = [deep(lines), deep(model)];
  if (!Number.isFinite(have) || !Number.isFinite(want) || have >= want) return lines;
  const lead = model.find((line) => line.trim()).slice(0, want - have);
  return lines.map((line) => (line.trim() ? lead + line : line));
}
