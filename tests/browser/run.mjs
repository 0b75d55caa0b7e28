// Clicks through a running pair of hubs in a real browser. Exits with 1 if anything does not hold.
//
//   node tests/browser/run.mjs          everything
//   EHUB_AT="http://localhost:8080 http://localhost:8081" node tests/browser/run.mjs
//                                       against hubs that run already
import { launch } from "./browser.mjs";
import { firstHour } from "./first_hour.mjs";
import { startHubs } from "./hubs.mjs";
import { check, sum } from "./report.mjs";
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
} finally {
  await browser.close();
  await hubs.stop();
}
process.exit(sum());
