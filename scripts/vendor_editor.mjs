// What the page takes from CodeMirror 6: scripts/vendor_editor.py bundles exactly this into static/vendor/codemirror.js.
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { cpp } from "@codemirror/lang-cpp";
export { go } from "@codemirror/lang-go";
export { html } from "@codemirror/lang-html";
export { java } from "@codemirror/lang-java";
export { javascript } from "@codemirror/lang-javascript";
export { php } from "@codemirror/lang-php";
export { python } from "@codemirror/lang-python";
export { rust } from "@codemirror/lang-rust";
export { sql } from "@codemirror/lang-sql";
export { yaml } from "@codemirror/lang-yaml";
export {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  StreamLanguage,
  syntaxHighlighting,
} from "@codemirror/language";
export { clike, csharp, kotlin, scala } from "@codemirror/legacy-modes/mode/clike";
export { ruby } from "@codemirror/legacy-modes/mode/ruby";
export { shell } from "@codemirror/legacy-modes/mode/shell";
export { swift } from "@codemirror/legacy-modes/mode/swift";
export { search, searchKeymap } from "@codemirror/search";
export { Compartment, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
export {
  Decoration,
  EditorView,
  gutter,
  GutterMarker,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
export { tags } from "@lezer/highlight";
