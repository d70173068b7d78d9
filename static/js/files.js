// Opening a file in the editor: by the chooser, or dropped on the code. Decodes as the server does.

import { byId } from "./dom.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

const LIMIT_BYTES = 8 * 1024 * 1024; // what a textarea takes without a pause; the server's own limit is usually lower

/** Text of UTF-8, UTF-16 with a byte order mark, or GB18030 bytes; null for anything else. */
export function decode(bytes) {
  const utf16 = { "255,254": "utf-16le", "254,255": "utf-16be" }[`${bytes[0]},${bytes[1]}`];
  for (const encoding of utf16 ? [utf16] : ["utf-8", "gb18030"]) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      return text.includes("\u0000") ? null : text;
    } catch {
      // not this one
    }
  }
  return null;
}

/** Calls `onOpen({name, text})`, or `onTrouble(words)` where `words()` says it in the page's language. */
export class Files {
  constructor(onOpen, onTrouble) {
    this.onOpen = onOpen;
    this.onTrouble = onTrouble;
    const chooser = byId("file");
    byId("open").addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      this.#open([...chooser.files]);
      chooser.value = ""; // the same file can be chosen again
    });
    this.#acceptDrops(byId("editor-panel"));
  }

  #acceptDrops(zone) {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    // A file dropped beside the zone must not replace the page.
    for (const name of ["dragover", "drop"])
      document.addEventListener(name, (event) => hasFiles(event) && event.preventDefault());
    zone.addEventListener("dragover", (event) => zone.classList.toggle("dropping", hasFiles(event)));
    zone.addEventListener("dragleave", (event) => {
      if (!zone.contains(event.relatedTarget)) zone.classList.remove("dropping");
    });
    zone.addEventListener("drop", (event) => {
      zone.classList.remove("dropping");
      if (hasFiles(event)) this.#open([...event.dataTransfer.files]);
    });
  }

  async #open(files) {
    if (files.length === 0) return;
    const [{ name, size }] = files;
    if (size > LIMIT_BYTES) {
      const sizes = { name, size: format.size(size), limit: format.size(LIMIT_BYTES) };
      this.onTrouble(() => t("editor.fileTooLarge", sizes));
      return;
    }
    let text = null;
    try {
      text = decode(new Uint8Array(await files[0].arrayBuffer()));
    } catch {
      this.onTrouble(() => t("editor.unreadable", { name }));
      return;
    }
    if (text === null) {
      this.onTrouble(() => t("editor.binary", { name }));
      return;
    }
    this.onOpen({ name, text });
    if (files.length > 1) this.onTrouble(() => t("editor.firstFile", { name }));
  }
}
