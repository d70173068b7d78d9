// How the editor looks. Its colours are the page's custom properties, which reach into the shadow root.

import { EditorView } from "../vendor/codemirror.js";

const severities = Object.fromEntries(
  ["critical", "high", "medium", "low", "info"].map((name) => [`.severity-${name}`, { "--mark": `var(--${name})` }]),
);

const input = {
  font: "inherit",
  color: "inherit",
  background: "var(--panel)",
  border: "1px solid var(--line)",
  borderRadius: "4px",
  padding: "0.15rem 0.4rem",
};

export const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", background: "var(--panel)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.25rem", overflow: "auto" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 0.5rem" },
  ".cm-gutters": { color: "var(--quiet)", background: "var(--raised)", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.4rem 0 0.5rem", minWidth: "2.25rem" },
  ".cm-activeLineGutter": { color: "var(--text)", background: "transparent" },
  ".cm-placeholder": { color: "var(--quiet)" },
  ".signs": { width: "18px", cursor: "pointer" },
  ".sign": {
    display: "block",
    width: "10px",
    height: "10px",
    margin: "5px 4px",
    borderRadius: "50%",
    background: "var(--mark, transparent)",
  },
  // Not by colour alone: the worst two are square and pointed.
  ".sign.severity-critical": { borderRadius: "1px", transform: "rotate(45deg) scale(0.9)" },
  ".sign.severity-high": { borderRadius: "1px" },
  ".marked": { background: "color-mix(in srgb, var(--mark) var(--tint), transparent)", cursor: "pointer" },
  ".pointed": { background: "color-mix(in srgb, var(--focus) 22%, transparent)", boxShadow: "inset 3px 0 var(--focus)" },
  ".invisible": {
    padding: "0 0.2em",
    borderRadius: "3px",
    fontSize: "0.85em",
    color: "var(--panel)",
    background: "var(--high)",
    unicodeBidi: "isolate",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { background: "transparent", outline: "1px solid var(--quiet)" },
  ".cm-searchMatch": { background: "color-mix(in srgb, var(--medium) 30%, transparent)" },
  ".cm-searchMatch-selected": { background: "color-mix(in srgb, var(--medium) 60%, transparent)" },
  ".cm-panels": { color: "var(--text)", background: "var(--raised)", fontFamily: "var(--sans)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.4rem 0.5rem" },
  ".cm-panel input[type=checkbox]": { verticalAlign: "-2px" },
  ".cm-textfield": input,
  ".cm-textfield::placeholder": { color: "var(--quiet)" },
  ".cm-button": { ...input, backgroundImage: "none", cursor: "pointer" },
  ...severities,
});
