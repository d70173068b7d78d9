// Taking a report along: to the clipboard, or as a file in one of several forms.

import { exported, suppressions } from "./client.js";
import { byId, el } from "./dom.js";

const FORMS = {
  json: { type: "application/json", ending: "json" },
  markdown: { type: "text/markdown", ending: "md" },
  sarif: { type: "application/sarif+json", ending: "sarif" },
  html: { type: "text/html", ending: "html" },
  suppressions: { type: "application/json", ending: "suppressions.json" },
};

/** True if the clipboard took the text. */
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused: try the old way
    }
  }
  const area = el("textarea", { class: "offscreen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy"); // a page that is not on localhost has no navigator.clipboard
  area.remove();
  return copied;
}

async function contentOf(report, form) {
  if (form === "json") return JSON.stringify(report, null, 2);
  if (form === "suppressions") return suppressions(report.id);
  return exported(report, form);
}

/** Saves the report in `form`. Throws Problem if the server will not make it. */
export async function download(report, form) {
  const { type, ending } = FORMS[form];
  const url = URL.createObjectURL(new Blob([await contentOf(report, form)], { type }));
  el("a", { href: url, download: `audit8-${String(report.id).replace(/[^\w-]/g, "_")}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** `onForm(form)` runs when a form is chosen; the menu closes after it, and with Escape. */
export function watchMenu(onForm) {
  const menu = byId("download-menu");
  for (const button of menu.querySelectorAll("button"))
    button.addEventListener("click", () => {
      menu.open = false;
      onForm(button.dataset.form);
    });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}
