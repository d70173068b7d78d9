// Light, dark, or as the system has it. Remembered.

import { byId } from "./dom.js";
import { t } from "./i18n.js";

const KEY = "audit8.theme";
const THEMES = ["auto", "light", "dark"];
let theme = "auto";
try {
  theme = localStorage.getItem(KEY) ?? "auto";
} catch {
  // storage is off: the system decides each time
}

export function drawTheme() {
  if (!THEMES.includes(theme)) theme = "auto";
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = t(`theme.${theme}`);
  byId("theme").setAttribute("aria-label", t("theme.label", { theme: t(`theme.${theme}`) }));
}

export function watchTheme() {
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // not remembered, still switched
    }
    drawTheme();
  });
}
