// Every page, at two widths, in three languages, light and dark.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, open } from "./browser.mjs";
import { axe, faultsOfPage, overflow, tooHeavy, weight } from "./look.mjs";
import { places } from "./places.mjs";
import { check } from "./report.mjs";
import { LANGS } from "./words.mjs";

/** Pages are looked at in so many windows at a time. */
const WINDOWS = 3;
// A page that is told of with an error code all the same is a page.
const EXPECTED = /Failed to load resource: the server responded with a status of (401|403|404|422)/;

/** `more` are groups of pages that came about in other tests; `shots` names a folder for a picture of each view. */
export async function tour(browser, hubs, { more = [], shots = process.env.EHUB_SHOTS, only } = {}) {
  const groups = [...await places(browser, hubs), ...more];
  const seen = { pages: 0, views: 0 };
  const queue = groups.flatMap((group) => group.pages
    .filter(([name]) => !only || only.test(name))
    .map(([name, url]) => ({ ...group, name, url })));
  if (shots) mkdirSync(shots, { recursive: true });
  const worker = async () => {
    const page = await open(browser);
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { name, url, cookies, who } = next;
      seen.pages += 1;
      await check(`page ${name}, as ${who}`, () => look(page, { name, url, cookies }, seen, shots));
    }
    await page.context().close();
  };
  await Promise.all(Array.from({ length: WINDOWS }, worker));
  return seen;
}

async function look(page, { name, url, cookies }, seen, shots) {
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
  const faults = [];
  const note = (where, found) => { for (const f of [found].flat()) if (f) faults.push(`${where}: ${f}`); };
  for (const lang of LANGS) {
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(url + (url.includes("?") ? "&" : "?") + `lang=${lang}`);
    note(lang, await page.evaluate(faultsOfPage, lang));
    note(lang, tooHeavy(await page.evaluate(weight)));
    for (const [size, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      await page.setViewportSize(viewport);
      for (const light of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: light });
        seen.views += 1;
        const where = `${lang} ${size} ${light}`;
        note(where, await page.evaluate(overflow));
        if (lang === "en" && light === "light") note(where, await axe(page));
        // In the dark nothing but colours differs.
        if (lang === "en" && light === "dark" && size === "desktop") note(where, await axe(page, ["color-contrast"]));
        if (shots) await page.screenshot({ path: join(shots, `${name}.${lang}.${size}.${light}.png`), fullPage: true });
      }
    }
    note(lang, page.faults.splice(0).filter((f) => !EXPECTED.test(f)));
  }
  if (faults.length > 0) throw new Error([...new Set(faults)].join("\n"));
}
