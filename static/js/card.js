// One finding as a card: what, where, how sure; opened: the quote, why, the fix, and what can be done about it.

import { el, visible } from "./dom.js";
import { drawFix, drawProse } from "./fix.js";
import { has, t } from "./i18n.js";

/** A <li>. `how`: {key, open, severity, before, talk, onOpen, onShow, onDismiss(reason), onAsk()}. */
export function drawCard(finding, how) {
  const { key, open, severity } = how;
  const card = el(
    "li",
    { class: `finding severity-${severity}${open ? " current" : ""}`, "data-key": key },
    el(
      "div",
      { class: "finding-head" },
      el("span", { class: `badge severity-${severity}` }, t(`severity.${severity}`)),
      el(
        "h4",
        {},
        el(
          "button",
          { type: "button", class: "card-title", "aria-expanded": String(open), "data-role": "title", onclick: how.onOpen },
          ...visible(finding.title),
        ),
      ),
    ),
    where(finding, how),
    ...(open ? details(finding, how) : [el("p", { class: "brief" }, ...visible(finding.why ?? ""))]),
  );
  card.addEventListener("click", (event) => {
    const text = window.getSelection()?.toString();
    if (!open && !text && !event.target.closest("button, a, input, textarea, select, summary")) how.onOpen();
  });
  return card;
}

function where(finding, { onShow }) {
  const place = placeText(finding);
  return el(
    "p",
    { class: "finding-where" },
    el(
      "button",
      { type: "button", class: "place", "aria-label": t("finding.show", { where: place }), "data-role": "place", onclick: onShow },
      ...visible(place),
    ),
    finding.cwe ? el("span", { class: "cwe" }, ...visible(finding.cwe)) : null,
    el("span", {}, ...visible(originText(finding))),
    finding.verdict && finding.verdict !== "unjudged"
      ? el("span", { class: `verdict ${finding.verdict === "exploitable" ? "sure" : ""}` }, verdictText(finding.verdict))
      : null,
    el("span", {}, t("finding.confidence", { percent: Math.round((Number(finding.confidence) || 0) * 100) })),
  );
}

export function placeText({ file, start_line: start, end_line: end }) {
  const lines = end > start ? t("finding.lines", { start, end }) : t("finding.line", { start });
  return `${file || t("finding.pasted")}, ${lines}`;
}

export const originText = ({ origin, rule_id: id }) =>
  origin === "rule" ? t("finding.rule", { id: id || "?" }) : t("finding.model");

const verdictText = (verdict) => (has(`verdict.${verdict}`) ? t(`verdict.${verdict}`) : String(verdict));

function details(finding, how) {
  const { quote, why, fix } = finding;
  return [
    quote ? el("pre", { class: "quote", tabindex: "0", "aria-label": t("finding.quote") }, el("code", {}, ...visible(dedent(quote)))) : null,
    ...(why ? [el("h5", {}, t("finding.why")), el("p", { class: "prose" }, ...drawProse(why))] : []),
    ...(fix ? [el("h5", {}, t("finding.fix")), ...drawFix(fix, how.before)] : []),
    ...actions(how),
  ];
}

// Code without the indentation that all its lines share.
function dedent(text) {
  const lines = text.split("\n");
  const depths = lines.filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  return lines.map((line) => line.slice(Math.min(...depths))).join("\n");
}

function actions({ onDismiss, onAsk, talk }) {
  const box = el("div", { class: "card-box" });
  const openForm = () => box.replaceChildren(dismissal(onDismiss, () => box.replaceChildren()));
  const dismiss = el("button", { type: "button", class: "small", "data-role": "dismiss" }, t("dismiss.open"));
  dismiss.addEventListener("click", () => {
    openForm();
    box.querySelector("input").focus();
  });
  const ask = el("button", { type: "button", class: "small", "data-role": "ask", onclick: onAsk }, t("chat.open"));
  return [el("div", { class: "card-actions" }, ask, dismiss), box, talk];
}

function dismissal(onDismiss, onCancel) {
  const reason = el("input", { type: "text", maxlength: "500", list: "dismiss-reasons", "aria-label": t("dismiss.reason"), placeholder: t("dismiss.reason") });
  const form = el(
    "form",
    { class: "dismissal" },
    reason,
    el("button", { type: "submit", class: "small" }, t("dismiss.do")),
    el("button", { type: "button", class: "small plain", onclick: onCancel }, t("dismiss.keep")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onDismiss(reason.value.trim());
  });
  return form;
}
