// Opening files in the editor: by the chooser, or dropped: one, several, a folder, a zip. Decodes as the server does.

import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { entriesOf } from "./zip.js";

const FILE_BYTES = 8 * 1024 * 1024; // the server's own limit is usually lower; it says so itself
const FOLDER_FILE_BYTES = 2 * 1024 * 1024; // of a file that was found in a folder and not named
const ALL_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 1000; // what the server takes in one job
// What a folder or an archive holds beside the code: the server would leave it out too, and lists it.
const NOT_CODE =
  /(?:^|\/)(?:node_modules|bower_components|vendor|third_party|site-packages|dist|build|target|out|__pycache__|\.[^/]+|venv)\/|\.(?:png|jpe?g|gif|bmp|ico|webp|pdf|exe|dll|so|dylib|o|a|lib|class|py[cd]|wasm|woff2?|ttf|otf|eot|mp[34]|avi|mov|wav|bin|dat|db|sqlite3?|safetensors|gguf|pt|npy|parquet|tar|gz|tgz|bz2|xz|zst|7z|rar|jar|war|whl|map|lock)$|(?:^|\/)(?:package-lock\.json|go\.sum)$|\.min\.(?:js|css)$/i;

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

export const worthOpening = (path) => !NOT_CODE.test(path);

/** Calls `onOpen([{name, text}])`, and `onTrouble(words)` where `words()` says what was left out and why. */
export class Files {
  constructor(onOpen, onTrouble) {
    this.onOpen = onOpen;
    this.onTrouble = onTrouble;
    for (const id of ["file", "folder"]) {
      const chooser = byId(id);
      byId(`open-${id}`).addEventListener("click", () => chooser.click());
      chooser.addEventListener("change", () => {
        const found = id === "folder";
        this.#open([...chooser.files].map((file) => ({ name: file.webkitRelativePath || file.name, file, found })));
        chooser.value = ""; // the same file can be chosen again
      });
    }
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
    zone.addEventListener("drop", async (event) => {
      zone.classList.remove("dropping");
      if (hasFiles(event)) this.#open(await dropped(event.dataTransfer));
    });
  }

  async #open(items) {
    const opening = new Opening();
    for (const item of items) await opening.take(item);
    if (opening.files.length) this.onOpen(opening.files);
    const { troubles } = opening;
    if (troubles.length) this.onTrouble(() => sentences(troubles));
    else if (!opening.files.length && items.length) this.onTrouble(() => [t("editor.nothing")]);
  }
}

function sentences(troubles) {
  const lines = troubles.slice(0, 5).map(({ why, name }) => t(`editor.${why}`, { name }));
  if (troubles.length > 5) lines.push(t("editor.moreTroubles", { n: troubles.length - 5 }));
  return lines;
}

/** What becomes of the files that somebody chose: texts in `files`, the rest in `troubles`. */
class Opening {
  files = [];
  troubles = [];
  #bytes = 0;

  /** {name, file, found}: `found` means that a folder had it, so that it may be left out without a word. */
  async take({ name, file, found = false }) {
    if (found && !worthOpening(name)) return;
    let bytes;
    try {
      bytes = this.#fits(name, file.size, found) ? new Uint8Array(await file.arrayBuffer()) : null;
    } catch {
      this.troubles.push({ why: "unreadable", name });
      return;
    }
    if (!bytes) return;
    const entries = /\.zip$/i.test(name) ? entriesOf(bytes) : null;
    if (entries) await this.#unpack(entries);
    else this.#add(name, bytes);
  }

  async #unpack(entries) {
    for (const entry of entries) {
      if (!worthOpening(entry.name) || !this.#fits(entry.name, entry.size, true)) continue;
      const bytes = await entry.read();
      if (bytes) this.#add(entry.name, bytes);
      else this.troubles.push({ why: "unpackable", name: entry.name });
    }
  }

  #fits(name, size, found) {
    let why = "";
    if (size > (found ? FOLDER_FILE_BYTES : FILE_BYTES)) why = "fileTooLarge";
    else if (this.#bytes + size > ALL_BYTES || this.files.length >= MOST_FILES) why = "tooMany";
    if (why) this.troubles.push({ why, name });
    else this.#bytes += size;
    return why === "";
  }

  #add(name, bytes) {
    const text = decode(bytes);
    if (text === null) this.troubles.push({ why: "binary", name });
    else this.files.push({ name, text });
  }
}

/** [{name, file, found}] of a drop; folders are walked. */
async function dropped(transfer) {
  // All entries are taken before the first wait: after it the browser has forgotten the drop.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files].map((file) => ({ name: file.name, file }));
  const items = [];
  for (const entry of entries) await walk(entry, items, false);
  return items;
}

async function walk(entry, items, found) {
  const name = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    items.push({ name, file: await new Promise((done, failed) => entry.file(done, failed)), found });
  } else if (worthOpening(`${name}/`) && items.length <= MOST_FILES) {
    const reader = entry.createReader();
    for (;;) {
      const batch = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (batch.length === 0) return;
      for (const child of batch) await walk(child, items, true);
    }
  }
}
