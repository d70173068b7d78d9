// Marks in the code: lines coloured by severity with a sign in the gutter, and the lines that a finding points at.
// They move with the text when it is edited. Knows severities and lines; knows nothing of findings.

import { Decoration, EditorView, gutter, GutterMarker, RangeSet, StateEffect, StateField } from "../vendor/codemirror.js";
import { el } from "./dom.js";

export const setMarks = StateEffect.define(); // [{line, severity, label}], the worst first where a line has several
export const setPointed = StateEffect.define(); // {start, end} or null

class Sign extends GutterMarker {
  constructor(severity, label) {
    super();
    Object.assign(this, { severity, label });
  }

  eq(other) {
    return other.severity === this.severity && other.label === this.label;
  }

  toDOM() {
    return el("span", { class: `sign severity-${this.severity}`, title: this.label });
  }
}

const place = (mark) => (doc) => doc.line(Math.min(Math.max(1, mark.line), doc.lines)).from;

function build(doc, marks) {
  const byLine = new Map();
  for (const mark of marks) if (!byLine.has(mark.line) && mark.line <= doc.lines) byLine.set(mark.line, mark);
  const sorted = [...byLine.values()].sort((a, b) => a.line - b.line);
  const at = sorted.map((mark) => [mark, place(mark)(doc)]);
  return {
    signs: RangeSet.of(at.map(([mark, from]) => new Sign(mark.severity, mark.label).range(from))),
    lines: Decoration.set(
      at.map(([mark, from]) => Decoration.line({ class: `marked severity-${mark.severity}` }).range(from)),
    ),
  };
}

const marked = StateField.define({
  create: () => ({ signs: RangeSet.empty, lines: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects)
      if (effect.is(setMarks)) return build(transaction.state.doc, effect.value);
    if (!transaction.docChanged) return value;
    return { signs: value.signs.map(transaction.changes), lines: value.lines.map(transaction.changes) };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.lines),
});

const pointed = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects)
      if (effect.is(setPointed)) return lines(transaction.state.doc, effect.value);
    return value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function lines(doc, range) {
  if (!range) return Decoration.none;
  const all = [];
  for (let line = range.start; line <= Math.min(range.end, doc.lines); line += 1)
    all.push(Decoration.line({ class: "pointed" }).range(doc.line(line).from));
  return Decoration.set(all);
}

/** The extension; `onSign(line)` runs when a marked line is clicked, in the gutter or in the text. */
export function marks(onSign) {
  const told = (view, from) => {
    const hit = { found: false };
    view.state.field(marked).signs.between(from, from, () => {
      hit.found = true;
    });
    if (hit.found) onSign(view.state.doc.lineAt(from).number);
    return false;
  };
  return [
    marked,
    pointed,
    gutter({
      class: "signs",
      markers: (view) => view.state.field(marked).signs,
      initialSpacer: () => new Sign("none", ""),
      domEventHandlers: { mousedown: (view, block) => told(view, block.from) },
    }),
    EditorView.domEventHandlers({
      click: (event, view) => {
        const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
        if (at !== null) told(view, view.state.doc.lineAt(at).from);
        return false;
      },
    }),
  ];
}
