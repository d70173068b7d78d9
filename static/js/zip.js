// Reading a zip archive in the browser: its directory, then each file, stored or deflated. Knows the format only.

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const COMMENT_BYTES = 0xffff;
const UTF8_FLAG = 0x800;
const ENCRYPTED_FLAG = 0x1;

/** [{name, size, read()}] of the files in `bytes`, or null if that is not a zip; `read` gives bytes, or null. */
export function entriesOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end < 0) return null;
  const entries = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== ENTRY) return null;
    const names = view.getUint16(at + 28, true);
    const entry = entryAt(view, at, bytes.subarray(at + 46, at + 46 + names));
    if (!entry.name.endsWith("/")) entries.push({ ...entry, read: () => read(bytes, view, entry) });
    at += 46 + names + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

function findEnd(view) {
  const first = Math.max(0, view.byteLength - END_BYTES - COMMENT_BYTES);
  for (let at = view.byteLength - END_BYTES; at >= first; at -= 1) if (view.getUint32(at, true) === END) return at;
  return -1;
}

function entryAt(view, at, name) {
  const flags = view.getUint16(at + 8, true);
  return {
    name: new TextDecoder(flags & UTF8_FLAG || isAscii(name) ? "utf-8" : "gb18030").decode(name).replaceAll("\\", "/"),
    encrypted: Boolean(flags & ENCRYPTED_FLAG),
    method: view.getUint16(at + 10, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    at: view.getUint32(at + 42, true),
  };
}

const isAscii = (bytes) => bytes.every((byte) => byte < 128);

async function read(bytes, view, { at, packed, method, encrypted, size }) {
  if (encrypted || at + 30 > view.byteLength) return null;
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const data = bytes.subarray(start, start + packed);
  if (method === 0) return data;
  if (method !== 8) return null;
  try {
    return await inflated(data, size);
  } catch {
    return null; // broken
  }
}

// Never more than the directory promised: a small archive must not fill the memory.
async function inflated(data, size) {
  const out = new Uint8Array(size);
  let filled = 0;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return out.subarray(0, filled);
    if (filled + value.length > size) {
      await reader.cancel();
      return null;
    }
    out.set(value, filled);
    filled += value.length;
  }
}
