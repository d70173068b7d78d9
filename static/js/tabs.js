// The files as tabs above the code: click, arrow keys, Delete to close. Draws; the list itself is the caller's.

import { byId, el, visible } from "./dom.js";
import { t } from "./i18n.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
const NAME_CHARS = 40;

export class Tabs {
  #sources;
  #badge;

  /** `badge(file)` gives {severity, count} of its findings, or null. */
  constructor(sources, badge) {
    this.#sources = sources;
    this.#badge = badge;
    byId("tabs").addEventListener("keydown", (event) => this.#key(event));
    byId("add-file").addEventListener("click", () => sources.addBlank());
  }

  draw() {
    const { files, current } = this.#sources;
    const focused = byId("tabs").contains(document.activeElement);
    byId("tab-bar").hidden = files.length < 2;
    byId("tabs").replaceChildren(...(files.length < 2 ? [] : files.map((file) => this.#tab(file))));
    const chosen = byId("tabs").children[files.indexOf(current)];
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (focused) chosen?.firstElementChild.focus();
  }

  #tab(file) {
    const chosen = file === this.#sources.current;
    const badge = this.#badge(file);
    const name = file.name || t("finding.pasted");
    const short = name.length > NAME_CHARS ? `…${name.slice(-NAME_CHARS)}` : name;
    return el(
      "div",
      { class: chosen ? "tab chosen" : "tab", role: "presentation" },
      el(
        "button",
        {
          type: "button",
          role: "tab",
          class: "tab-name",
          title: name,
          "aria-selected": String(chosen),
          "aria-controls": "editor",
          tabindex: chosen ? "0" : "-1",
          onclick: () => this.#sources.show(file),
        },
        ...visible(short),
        badge ? el("span", { class: `badge severity-${badge.severity}` }, String(badge.count)) : null,
      ),
      el(
        "button",
        {
          type: "button",
          class: "tab-close",
          tabindex: "-1",
          "aria-label": t("editor.close", { name }),
          onclick: () => this.#sources.close(file),
        },
        "×",
      ),
    );
  }

  #key(event) {
    const { files, current } = this.#sources;
    if (event.key === "Delete") {
      this.#sources.close(current);
    } else if (event.key in STEPS) {
      const next = Math.min(Math.max(0, files.indexOf(current) + STEPS[event.key]), files.length - 1);
      this.#sources.show(files[next]);
    } else return;
    event.preventDefault();
  }
}
