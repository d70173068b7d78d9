// The code editor: one CodeMirror for all files, each with a state of its own (text, undo, marks, place).
// It lives in a shadow root: there its styles are constructed sheets, which the page's strict policy allows.
// Knows text and lines; knows nothing of jobs.

import * as cm from "../vendor/codemirror.js";
import { el, INVISIBLE, codePoint } from "./dom.js";
import { theme } from "./editor_theme.js";
import { marks, setMarks, setPointed } from "./marks.js";
import { colours, syntax } from "./syntax.js";

const LONG_LINE_CHARS = 20_000; // colouring a line of a megabyte would hold the page up
const phrases = new cm.Compartment();
const language = new cm.Compartment();
const label = new cm.Compartment();

export class Editor {
  #view;
  #file = null;
  #kept = new WeakMap(); // file -> {state, scroll} while another one is shown
  #words;
  #extensions;

  /** `words()` gives {label, placeholder, phrases}; `onChange(file)` follows every edit, `onSign(line)` a mark's click. */
  constructor(host, { words, onChange, onSign }) {
    this.#words = words;
    this.onChange = onChange;
    const root = host.attachShadow({ mode: "open", delegatesFocus: true });
    this.#extensions = [
      cm.lineNumbers(),
      marks((line) => onSign(line)),
      cm.highlightActiveLineGutter(),
      cm.highlightSpecialChars({ render: special, specialChars: new RegExp(INVISIBLE.source, "gu") }),
      cm.history(),
      cm.indentOnInput(),
      cm.indentUnit.of("    "),
      cm.bracketMatching(),
      cm.search({ top: true }),
      cm.keymap.of([...cm.defaultKeymap, ...cm.historyKeymap, ...cm.searchKeymap].filter((key) => key.key !== "Mod-Enter")),
      colours,
      theme,
      cm.EditorView.updateListener.of((update) => update.docChanged && this.onChange(this.#file)),
    ];
    this.#view = new cm.EditorView({ parent: root, root });
  }

  /** Shows `file` {text, language}; what was typed into it before is still there, at the place where it was left. */
  show(file) {
    if (file !== this.#file) {
      if (this.#file) this.#kept.set(this.#file, { state: this.#view.state, scroll: this.#view.scrollSnapshot() });
      const kept = this.#kept.get(file);
      this.#file = file;
      this.#view.setState(kept?.state ?? this.#fresh(file));
      if (kept) this.#view.dispatch({ effects: kept.scroll });
    }
    this.translate();
  }

  /** The text of `file` as it stands. */
  textOf(file) {
    const state = this.#stateOf(file);
    return state ? state.doc.toString() : file.text;
  }

  linesOf(file) {
    const doc = this.#stateOf(file)?.doc ?? cm.EditorState.create({ doc: file.text }).doc;
    if (doc.length === 0) return 0;
    return doc.line(doc.lines).length === 0 ? doc.lines - 1 : doc.lines;
  }

  focus() {
    this.#view.focus();
  }

  /** Colours the shown file as `id`. */
  speak(id) {
    this.#view.dispatch({ effects: language.reconfigure(this.#syntax(id, this.#view.state.doc)) });
  }

  /** [{line, severity, label}] to mark in the shown file; the worst severity comes first where a line has several. */
  mark(list) {
    this.#view.dispatch({ effects: [setMarks.of(list), ...(list.length ? [] : [setPointed.of(null)])] });
  }

  /** Scrolls to the lines and points at them; `focus` takes the keyboard there too. */
  point(start, end, { focus = false } = {}) {
    const { doc } = this.#view.state;
    const from = doc.line(Math.min(start, doc.lines)).from;
    this.#view.dispatch({
      selection: { anchor: from },
      effects: [setPointed.of({ start, end }), cm.EditorView.scrollIntoView(from, { y: "center" })],
    });
    if (focus) this.focus();
  }

  /** The line, 1-based, nearest to `near` whose trimmed text is `quote`'s first line; 0 if there is none. */
  find(quote, near) {
    const { doc } = this.#view.state;
    const wanted = quote.trim().split("\n")[0].trim();
    if (near >= 1 && near <= doc.lines && doc.line(near).text.trim() === wanted) return near;
    let best = 0;
    let number = 0;
    for (const line of doc.iterLines()) {
      number += 1;
      if (line.trim() === wanted && (best === 0 || Math.abs(number - near) < Math.abs(best - near))) best = number;
    }
    return best;
  }

  /** Says its own words again, after a change of language. */
  translate() {
    const words = this.#words();
    if (this.#view.contentDOM.getAttribute("aria-label") === words.label) return;
    const scroll = this.#view.scrollSnapshot(); // other phrases make CodeMirror draw all from the beginning
    this.#view.dispatch({ effects: [phrases.reconfigure(phrasesOf(words)), label.reconfigure(labelOf(words))] });
    this.#view.dispatch({ effects: scroll });
  }

  #stateOf(file) {
    return file === this.#file ? this.#view.state : this.#kept.get(file)?.state;
  }

  #fresh(file) {
    const words = this.#words();
    const doc = cm.EditorState.create({ doc: file.text }).doc;
    const parts = [
      phrases.of(phrasesOf(words)),
      label.of(labelOf(words)),
      language.of(this.#syntax(file.language || file.detected, doc)),
    ];
    return cm.EditorState.create({ doc, extensions: [...parts, this.#extensions] });
  }

  #syntax(id, doc) {
    for (const line of doc.iterLines()) if (line.length > LONG_LINE_CHARS) return [];
    return syntax(id);
  }
}

const phrasesOf = (words) => cm.EditorState.phrases.of(words.phrases);
const labelOf = (words) => [
  cm.EditorView.contentAttributes.of({ "aria-label": words.label, tabindex: "0", spellcheck: "false", autocapitalize: "off" }),
  cm.placeholder(words.placeholder),
];

// A character that is not seen becomes its code point, as everywhere on the page.
function special(code) {
  const name = codePoint(String.fromCodePoint(code));
  return el("span", { class: "invisible", title: name, "aria-label": name }, name);
}
