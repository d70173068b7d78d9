// The page's two languages. Elements with data-i18n get text, data-i18n-label an aria-label, data-i18n-placeholder
// a placeholder. Words about findings come from the server in the language that the job asked for.

import en from "../i18n/en.js";
import zh from "../i18n/zh.js";

const WORDS = { en, zh };
const KEY = "audit8.lang";
const listeners = [];

const remembered = () => {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage is off: the browser's language decides each time
  }
};

let lang = initialLang(remembered(), navigator.languages ?? [navigator.language]);

export function initialLang(stored, preferred) {
  if (stored in WORDS) return stored;
  const first = (preferred ?? []).find((tag) => /^(zh|en)\b/i.test(tag ?? ""));
  return first?.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const currentLang = () => lang;

/** The words for `key`, {name} replaced from `values`. An unknown key shows itself: a test compares the two lists. */
export function t(key, values = {}) {
  return (WORDS[lang][key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const has = (key) => key in WORDS[lang];

/** The keys that begin with `prefix`. */
export const keysUnder = (prefix) => Object.keys(WORDS.en).filter((key) => key.startsWith(prefix));

export function setLang(next) {
  lang = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // not remembered, still switched
  }
  apply();
}

/** `listener()` runs now and after every change of language. */
export function onLang(listener) {
  listeners.push(listener);
  listener();
}

export function apply() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]"))
    node.setAttribute("aria-label", t(node.dataset.i18nLabel));
  for (const node of document.querySelectorAll("[data-i18n-placeholder]"))
    node.placeholder = t(node.dataset.i18nPlaceholder);
  for (const listener of listeners) listener();
}
