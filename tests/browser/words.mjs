// The words of the pages, read from the same files as the hub reads them, so that a test presses the
// button that says "Lodge" in whatever language it is set to.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./hubs.mjs";

export const LANGS = ["en", "ms", "zh-CN"];
const LOCALES = join(ROOT, "crates", "web", "locales");

const TEXTS = Object.fromEntries(LANGS.map((lang) => [lang, texts(lang)]));

function texts(lang) {
  const found = new Map();
  for (const name of readdirSync(join(LOCALES, lang))) {
    let key = null;
    for (const line of readFileSync(join(LOCALES, lang, name), "utf8").split("\n")) {
      const start = /^([a-z][\w-]*) = ?(.*)$/.exec(line);
      if (start) {
        key = start[1];
        found.set(key, start[2]);
      } else if (key && /^\s/.test(line)) {
        found.set(key, `${found.get(key)}\n${line}`);
      } else {
        key = null;
      }
    }
  }
  return found;
}

/** The words of one language: plain text, or a pattern where the message holds values. */
export function words(lang) {
  return (key) => {
    const text = TEXTS[lang].get(key);
    if (text === undefined) throw new Error(`no message ${key} in ${lang}`);
    const line = text.split("\n    .")[0];
    if (!line.includes("{")) return line.trim();
    const forms = /\{ \$\w+ ->/.test(line) ? [...line.matchAll(/\[\w+\] ([^\n]*)/g)].map((m) => m[1]) : [line];
    return new RegExp(forms.map((form) => form.split(/\{[^}]*\}/).map(escaped).join(".*?")).join("|"));
  };
}

function escaped(text) {
  return text.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
}
