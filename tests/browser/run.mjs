// Clicks through a running pair of hubs in a real browser. Exits with 1 if anything does not hold.
//
//   node tests/browser/run.mjs          everything
//   EHUB_AT="http://localhost:8080 http://localhost:8081" node tests/browser/run.mjs
//                                       against hubs that run already
import { anybody, withoutScripts } from "./anybody.mjs";
import { launch } from "./browser.mjs";
import { claims } from "./claims.mjs";
import { desks } from "./desks.mjs";
import { firstHour } from "./first_hour.mjs";
import { startHubs } from "./hubs.mjs";
import { offices } from "./offices.mjs";
import { check, sum } from "./report.mjs";
import { tour } from "./tour.mjs";
import { WALKS, walk } from "./walks.mjs";
import { LANGS } from "./words.mjs";

const began = performance.now();
const hubs = await startHubs();
console.log(`hubs serve, sample trade played (${Math.round((performance.now() - began) / 1000)} s)`);
const browser = await launch();
try {
  await Promise.all(LANGS.map((lang) => check(`first hour, ${lang}: from price list to payout by clicks`, async () => {
    const page = await firstHour(browser, hubs, lang);
    await page.context().close();
  })));
  await Promise.all(Object.keys(WALKS).map((name) => check(`a stranger's walk, ${name}: sign-up, price list, first order, customs, paid`, () => walk(browser, hubs, name))));
  const [more] = await Promise.all([claims(browser, hubs), desks(browser, hubs), offices(browser, hubs), anybody(browser, hubs)]);
  await withoutScripts(browser, hubs);
  const seen = await tour(browser, hubs, { more });
  console.log(`${seen.pages} pages, ${seen.views} views`);
} finally {
  await browser.close();
  await hubs.stop();
}
process.exit(sum());
