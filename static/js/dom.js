// Building page elements safely: text becomes text nodes, never markup.
// Code and model text are hostile; nothing in this page uses innerHTML.

/** el("p", {class: "note", onclick: f}, "text", child, null): nulls are skipped, strings become text nodes. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const byId = (id) => document.getElementById(id);

// Characters that change how a line looks without being seen: bidirectional controls ("Trojan source"), zero-width
// and tag characters, and control characters other than tab and the line ends.
export const INVISIBLE =
  /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/gu;

export const codePoint = (character) => "U+" + character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");

/** Nodes that show `text` with every invisible character as a marked code point. */
export function visible(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    if (match.index > end) nodes.push(document.createTextNode(text.slice(end, match.index)));
    nodes.push(el("span", { class: "invisible" }, codePoint(match[0])));
    end = match.index + match[0].length;
  }
  if (end < text.length) nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

/** [{line, codes}] of the lines that hold invisible characters; line is 1-based. */
export function invisibleLines(text) {
  const found = new Map();
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    for (let at = text.indexOf("\n", counted); at >= 0 && at < match.index; at = text.indexOf("\n", at + 1)) {
      line += 1;
      counted = at + 1;
    }
    if (!found.has(line)) found.set(line, new Set());
    found.get(line).add(codePoint(match[0]));
  }
  return [...found].map(([number, codes]) => ({ line: number, codes: [...codes] }));
}
