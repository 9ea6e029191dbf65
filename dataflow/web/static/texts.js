// Texts: what senders sent in, what a page may show of it out: JSON in lines, bytes in hexadecimal.

// Control characters, and marks that turn the direction of what follows, are shown as what they are.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Return a text in which everything can be seen. */
export const visible = (text) =>
  text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Return a text in one line, no longer than `most` characters. */
export function oneLine(text, most = 300) {
  const line = visible(text.slice(0, most)).replaceAll(/[\n\t]+/g, " ");
  return text.length > most ? `${line}…` : line;
}

/** Lay JSON out in lines. Its numbers and texts stay as they were sent: JavaScript would round long ones. */
export function inLines(json) {
  let text = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const tokens = json.match(TOKEN) ?? [];
  tokens.forEach((token, place) => {
    const before = tokens[place - 1];
    const isEmpty = (token === "}" && before === "{") || (token === "]" && before === "[");
    if (token === "}" || token === "]") {
      depth -= 1;
      if (!isEmpty) text += line();
    } else if (before === "{" || before === "[" || before === ",") text += line();
    text += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
  });
  return text;
}

const WIDTH = 16;

/** Show bytes as offset, hexadecimal and what of them is ASCII. */
export function hexOf(bytes, most = 4096) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += WIDTH) {
    const row = [...bytes.slice(at, at + WIDTH)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(WIDTH * 3)} ${ascii}`);
  }
  return lines.join("\n") + (bytes.length > most ? `\n… ${bytes.length - most} more bytes` : "");
}

export const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
