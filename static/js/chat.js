// Questions about a finding, answered by the model over the same code. Draws the talk; what is sent is talk.js's matter.

import { chat, Problem } from "./client.js";
import { el, visible } from "./dom.js";
import { t } from "./i18n.js";
import { sentences } from "./problems.js";
import { answerTokens, excerpt, messagesOf, roomFor } from "./talk.js";

export class Chat {
  #talks = new Map(); // key -> {turns, node}
  #running = null;

  /** `subject(finding)` gives {text, name} of the code as it was audited; `server()` gives {model, context_tokens}. */
  constructor({ subject, server }) {
    this.subject = subject;
    this.server = server;
  }

  begin(key, finding) {
    if (!this.#talks.has(key)) this.#talks.set(key, this.#make(finding));
  }

  nodeOf(key) {
    return this.#talks.get(key)?.node ?? null;
  }

  clear() {
    this.#running?.abort();
    this.#talks.clear();
  }

  stop() {
    this.#running?.abort();
    return this.#running !== null;
  }

  #make(finding) {
    const log = el("div", { class: "chat-log", role: "log", "aria-label": t("chat.title"), tabindex: "0" });
    const note = el("p", { class: "quiet" });
    const field = el("textarea", { rows: "2", "aria-label": t("chat.question"), placeholder: t("chat.question") });
    const send = el("button", { type: "submit", class: "small" }, t("chat.send"));
    const stop = el("button", { type: "button", class: "small", hidden: true, onclick: () => this.#running?.abort() }, t("run.stop"));
    const form = el("form", { class: "chat-form" }, field, send, stop);
    const node = el("section", { class: "chat", "aria-label": t("chat.title") }, log, note, form);
    const talk = { node, log, note, field, send, stop, turns: [], finding };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask(talk);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      event.stopPropagation();
      this.#ask(talk);
    });
    return talk;
  }

  async #ask(talk) {
    const question = talk.field.value.trim();
    if (!question || this.#running) return;
    this.#running = new AbortController();
    talk.field.value = "";
    talk.turns.push({ role: "user", content: question });
    talk.log.append(bubble("user", question));
    const answer = new Answer(talk.log);
    busy(talk, true);
    try {
      const { messages, note } = this.#messages(talk);
      talk.note.textContent = note;
      const { model, context_tokens: room } = this.server();
      const how = { model: model ?? "", max_tokens: answerTokens(room) };
      for await (const piece of chat(messages, how, this.#running.signal)) answer.add(piece);
    } catch (error) {
      if (error.name !== "AbortError") answer.fail(error);
    } finally {
      this.#running = null;
      busy(talk, false);
      answer.end();
      // A question without an answer is not part of the talk: roles have to alternate.
      if (answer.text) talk.turns.push({ role: "assistant", content: answer.text });
      else talk.turns.pop();
    }
  }

  #messages({ finding, turns }) {
    const { text, name } = this.subject(finding);
    const code = excerpt(text, finding.start_line, roomFor(this.server().context_tokens));
    const words = {
      system: t("chat.system"),
      code: t("chat.code", { name: name || t("finding.pasted"), start: code.start, end: code.end }),
      finding: t("chat.finding", {
        title: finding.title,
        cwe: finding.cwe,
        start: finding.start_line,
        end: finding.end_line,
        why: finding.why,
      }),
    };
    const note = code.whole ? "" : t("chat.excerpt", { start: code.start, end: code.end });
    return { messages: messagesOf({ words, code: code.text, turns }), note };
  }
}

function busy({ send, stop, log }, is) {
  const held = document.activeElement === stop || document.activeElement === send;
  send.hidden = is;
  stop.hidden = !is;
  if (held) (is ? stop : send).focus();
  log.setAttribute("aria-busy", String(is));
}

const bubble = (role, text) =>
  el("div", { class: `bubble ${role}` }, el("span", { class: "offscreen" }, t(`chat.${role}`)), ...visible(text));

/** The model's answer as it comes. */
class Answer {
  text = "";
  #body = el("div", {});
  #reasoning = el("pre", { class: "stream", tabindex: "0", "aria-label": t("live.reasoning") });
  #fold = el("details", { hidden: true }, el("summary", {}, t("live.reasoning")), this.#reasoning);
  #waiting = el("p", { class: "quiet waiting", role: "status" }, t("chat.waiting"));
  #log;

  constructor(log) {
    this.#log = log;
    this.#body.append(this.#waiting);
    const said = el("span", { class: "offscreen" }, t("chat.assistant"));
    log.append(el("div", { class: "bubble assistant" }, said, this.#fold, this.#body));
    this.#follow();
  }

  add({ text, reasoning }) {
    this.#waiting.remove();
    if (reasoning) this.#fold.hidden = false;
    else this.text += text;
    (reasoning ? this.#reasoning : this.#body).append(...visible(text));
    this.#follow();
  }

  fail(error) {
    this.#waiting.remove();
    if (!(error instanceof Problem)) console.error(error);
    const problem = error instanceof Problem ? error : new Problem({ code: "internal", message: String(error) });
    this.#body.append(el("p", { class: "bad" }, ...visible(sentences(problem).join(" "))));
    this.#follow();
  }

  end() {
    this.#waiting.remove();
    if (!this.#body.hasChildNodes()) this.#body.append(el("p", { class: "quiet" }, t("chat.stopped")));
  }

  #follow() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }
}
