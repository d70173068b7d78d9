// What is sent when somebody asks about a finding. The code comes first, so that the server's cached beginning of the
// prompt serves every question about the same file. Pure.

const ANSWER_TOKENS = 1024;
const ASIDE_TOKENS = 900; // the template, the finding, the questions so far
const CHARS_PER_TOKEN = 3; // of code, on the careful side

export const roomFor = (context_tokens) =>
  Math.max(256, (Number(context_tokens) || 8192) - ANSWER_TOKENS - ASIDE_TOKENS) * CHARS_PER_TOKEN;
export const answerTokens = (context_tokens) => Math.min(ANSWER_TOKENS, Math.floor((Number(context_tokens) || 8192) / 4));

/** {text, start, end, whole}: the lines around `line` that fit into `room_chars`. */
export function excerpt(text, line, room_chars) {
  const lines = text.split("\n");
  if (text.length <= room_chars) return { text, start: 1, end: lines.length, whole: true };
  let start = Math.min(Math.max(1, line), lines.length);
  let end = start;
  let left = room_chars - lines[start - 1].length - 1;
  for (let grew = true; grew; ) {
    grew = false;
    if (start > 1 && lines[start - 2].length < left) {
      start -= 1;
      left -= lines[start - 1].length + 1;
      grew = true;
    }
    if (end < lines.length && lines[end].length < left) {
      end += 1;
      left -= lines[end - 1].length + 1;
      grew = true;
    }
  }
  return { text: lines.slice(start - 1, end).join("\n").slice(0, room_chars), start, end, whole: false };
}

/** The messages of a talk: `words` {system, code, finding} are said in the page's language. */
export function messagesOf({ words, code, turns }) {
  const [first, ...others] = turns;
  const fence = "`".repeat(Math.max(3, ...[...code.matchAll(/`+/g)].map((match) => match[0].length + 1)));
  return [
    { role: "system", content: words.system },
    { role: "user", content: `${words.code}\n${fence}\n${code}\n${fence}\n\n${words.finding}\n\n${first.content}` },
    ...others.map(({ role, content }) => ({ role, content })),
  ];
}
