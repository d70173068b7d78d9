// The API key of a server that wants one: asked once, kept for as long as this tab lives.

import { byId } from "./dom.js";

const STORED = "audit8.key";
let key = read();
let asking = null; // the question that is open, so that several refusals ask once
let declined = false;
let heard = () => {};

function read() {
  try {
    return sessionStorage.getItem(STORED) ?? "";
  } catch {
    return ""; // storage is off: asked again after a reload
  }
}

function keep(value) {
  key = value;
  try {
    sessionStorage.setItem(STORED, value);
  } catch {
    // kept in this variable only
  }
}

export const keyHeaders = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** `listener()` runs after somebody has given a key. */
export const onKeyGiven = (listener) => {
  heard = listener;
};

/** Asks for a key; true when one was given. `quietly`: not again after it has been declined. */
export function askForKey({ quietly = false } = {}) {
  if (quietly && declined) return Promise.resolve(false);
  asking ??= ask().finally(() => {
    asking = null;
  });
  return asking;
}

async function ask() {
  const dialog = byId("key-dialog");
  const field = byId("key");
  byId("key-wrong").hidden = key === "";
  field.value = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  const given = dialog.returnValue === "ok" ? field.value.trim() : "";
  dialog.returnValue = "";
  field.value = "";
  declined = given === "";
  if (given) {
    keep(given);
    setTimeout(heard); // after the request that asked for it has gone out again
  }
  return given !== "";
}
