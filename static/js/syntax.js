// Colours for each language that the server knows: from its id to the editor's extension. Knows no files and no pages.

import * as cm from "../vendor/codemirror.js";

const stream = (mode) => cm.StreamLanguage.define(mode);
const words = (text) => Object.fromEntries(text.split(" ").map((word) => [word, true]));

const SOLIDITY = {
  name: "solidity",
  keywords: words(
    "abstract anonymous as assembly break calldata case constant constructor continue contract delete do else emit enum " +
      "error event external fallback final for function if immutable import indexed interface internal is library " +
      "mapping memory modifier new override payable pragma private public pure receive return returns storage struct " +
      "switch this throw try catch type unchecked using view virtual while",
  ),
  types: words("address bool byte bytes bytes4 bytes20 bytes32 int int128 int256 string uint uint8 uint64 uint128 uint256"),
  blockKeywords: words("case do else for if switch while try catch contract interface library struct enum function"),
  defKeywords: words("contract interface library struct enum event error function modifier"),
  atoms: words("true false null wei gwei ether seconds minutes hours days weeks msg block tx now super"),
  number: /^(?:0x[a-f\d_]+|\d[\d_]*\.?\d*(?:e[-+]?\d+)?)/i,
};

const MAKERS = {
  bash: () => stream(cm.shell),
  c: () => cm.cpp(),
  cpp: () => cm.cpp(),
  csharp: () => stream(cm.csharp),
  go: () => cm.go(),
  html: () => cm.html(),
  java: () => cm.java(),
  javascript: () => cm.javascript({ jsx: true }),
  kotlin: () => stream(cm.kotlin),
  php: () => cm.php(),
  python: () => cm.python(),
  ruby: () => stream(cm.ruby),
  rust: () => cm.rust(),
  scala: () => stream(cm.scala),
  solidity: () => stream(cm.clike(SOLIDITY)),
  sql: () => cm.sql(),
  swift: () => stream(cm.swift),
  typescript: () => cm.javascript({ typescript: true, jsx: true }),
  yaml: () => cm.yaml(),
};
const made = new Map();

export const LANGUAGES = Object.keys(MAKERS);

/** The extension that colours `language`; nothing for one that is not known ("", "text"). */
export function syntax(language) {
  if (!Object.hasOwn(MAKERS, language)) return [];
  if (!made.has(language)) made.set(language, MAKERS[language]());
  return made.get(language);
}

const { tags } = cm;

// The colours are the page's own, so that light and dark are one stylesheet's matter.
export const colours = cm.syntaxHighlighting(
  cm.HighlightStyle.define([
    { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: "var(--code-keyword)" },
    { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.attributeValue], color: "var(--code-string)" },
    { tag: [tags.comment, tags.meta, tags.documentMeta], color: "var(--code-comment)" },
    { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.self], color: "var(--code-number)" },
    { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: "var(--code-type)" },
    {
      tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.macroName, tags.attributeName],
      color: "var(--code-name)",
    },
    { tag: [tags.definition(tags.variableName), tags.definition(tags.propertyName)], color: "var(--code-name)" },
    { tag: tags.invalid, color: "var(--high)" },
  ]),
);
