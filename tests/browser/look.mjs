// What must hold of every page, whoever sees it, in whatever language, light and size.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// What a first visit may load in all, over the wire.
const WEIGHT_MAX = 100_000;

/** Faults of the page as it stands: overflow, labels, language, missing words. */
export function faultsOfPage(lang) {
  const faults = [];
  const root = document.documentElement;
  if (root.lang !== lang) faults.push(`lang is “${root.lang}”`);
  if (!document.title.trim() || document.title.trim().startsWith("·")) faults.push("no title");
  if (document.querySelectorAll("h1").length !== 1) faults.push(`${document.querySelectorAll("h1").length} h1`);
  if (document.querySelectorAll("main .next").length > 1) faults.push("more than one next step");
  for (const input of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const label = [...(input.labels ?? [])].map((l) => l.textContent).join("") || input.getAttribute("aria-label");
    if (!label?.trim()) faults.push(`no label: ${input.outerHTML.slice(0, 120)}`);
  }
  for (const button of document.querySelectorAll("button, a[href]")) {
    if (!button.textContent.trim() && !button.getAttribute("aria-label")) faults.push(`no name: ${button.outerHTML.slice(0, 120)}`);
  }
  // A class that the stylesheet does not have is a slip of a template, such as two names grown together.
  const styled = new Set();
  const gather = (rules) => {
    for (const rule of rules) {
      for (const [name] of (rule.selectorText ?? "").matchAll(/\.[A-Za-z][\w-]*/g)) styled.add(name.slice(1));
      if (rule.cssRules) gather(rule.cssRules);
    }
  };
  for (const sheet of document.styleSheets) gather(sheet.cssRules);
  const names = new Set([...document.querySelectorAll("[class]")].flatMap((e) => [...e.classList]));
  for (const name of names) if (!styled.has(name)) faults.push(`class ${name} has no style`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length) faults.push(`id twice: ${twice.join(", ")}`);
  const spoken = [document.title, document.body.innerText,
    ...[...document.querySelectorAll("[aria-label],[title],[placeholder]")].flatMap((e) =>
      ["aria-label", "title", "placeholder"].map((a) => e.getAttribute(a) ?? ""))].join("\n");
  // A key that no language has, and a value that a sentence was not given.
  for (const [missing] of spoken.matchAll(/\[[a-z]+(-[a-z0-9]+)+\]|\{\s?\$[\w-]+\s?\}/g)) faults.push(`no words: ${missing}`);
  // A code where a word should stand: alone in its element, and not set as a code.
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    if (/^[a-z]+(-[a-z]+)+$/.test(text) && !node.parentElement.closest(".code, code, pre, script, style")) faults.push(`a bare code: ${text}`);
  }
  return faults;
}

/** What stands out on the right, and by how much; empty where nothing does. */
export function overflow() {
  const root = document.documentElement;
  const over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return "";
  const widest = [...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest(".scroll, .rail, .sr"))
    .map((e) => `${e.tagName.toLowerCase()}.${e.className}`).slice(0, 4);
  return `${over} px too wide: ${widest.join(", ")}`;
}

/** Bytes over the wire of a first visit, whatever is in the browser's store now. */
export function weight() {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return all.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
}

export function tooHeavy(bytes) {
  return bytes > WEIGHT_MAX ? `${bytes} bytes over the wire` : "";
}

/** What axe finds serious or critical, with the place; `rules` names those that are looked at, or all. */
export async function axe(page, rules) {
  // Our pages forbid scripts that are not theirs; the test's own comes in from outside.
  if (!await page.evaluate(() => Boolean(window.axe))) await page.evaluate(AXE);
  return page.evaluate(async (rules) => {
    const runOnly = rules && { type: "rule", values: rules };
    const found = await window.axe.run(document, { resultTypes: ["violations"], ...(runOnly && { runOnly }) });
    return found.violations.filter((v) => ["serious", "critical"].includes(v.impact)).flatMap((v) =>
      v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.target.join(" ")} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`));
  }, rules);
}
