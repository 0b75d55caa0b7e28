// Chromium, driven as a person uses it; one window a person, each with its own cookies.
import { accessSync } from "node:fs";
import { chromium } from "playwright-core";
import { words } from "./words.mjs";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
const WAITS_MS = 20_000;

export function launch() {
  const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(exists);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none"];
  return chromium.launch({ executablePath, headless: true, args });
}

function exists(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A window in one language. `page.faults` gathers what the browser complains about. */
export async function open(browser, { lang = "en", size = DESKTOP, scripts = true } = {}) {
  const context = await browser.newContext({ locale: lang, viewport: size, javaScriptEnabled: scripts });
  context.setDefaultTimeout(WAITS_MS);
  const page = await context.newPage();
  page.faults = [];
  page.w = words(lang);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.faults.push(`console: ${message.text()} (${page.url()})`);
  });
  page.on("pageerror", (error) => page.faults.push(`script: ${error.message} (${page.url()})`));
  return page;
}

/** Enters through the sandbox's front page: as a party by name, the first of its role, or somebody new. */
export async function enter(page, hub, role, party = false) {
  await page.context().clearCookies();
  await page.goto(hub);
  const form = page.locator(`form[action="/enter"]:has(input[name=role][value="${role}"])`).last();
  const button = party === true ? form.locator("button").first()
    : form.getByRole("button", { name: party || page.w("front-enter-fresh") });
  await button.click();
  await page.waitForURL((url) => url.pathname !== "/");
}

/** Presses the one button or link with these words. */
export async function press(page, key) {
  await page.getByRole("button", { name: page.w(key), exact: true })
    .or(page.getByRole("link", { name: page.w(key), exact: true })).first().click();
}

/** What the window complained about since the last time. */
export function noFaults(page) {
  const faults = page.faults.splice(0);
  if (faults.length > 0) throw new Error(faults.join("; "));
}

export function must(condition, what) {
  if (!condition) throw new Error(what);
}
