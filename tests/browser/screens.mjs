// Takes the pictures of docs/screens from two hubs with the sample trade. `make screens`.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PHONE, enter, launch, open, press } from "./browser.mjs";
import { firstHour } from "./first_hour.mjs";
import { ROOT, startHubs } from "./hubs.mjs";

const OUT = join(ROOT, "docs", "screens");
const SIZE = { width: 1280, height: 860 };

/** A window of the pictures' size, in which somebody is signed in. */
async function sit(browser, hub, role, party, { lang = "en", size = SIZE, dark = false } = {}) {
  const page = await open(browser, { lang, size });
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await enter(page, hub, role, party);
  return page;
}

async function take(page, name) {
  // What has just come in may still fade.
  await page.waitForTimeout(200);
  const path = join(OUT, `${name}.png`);
  await page.screenshot({ path });
  console.log(`${name}.png ${Math.round(statSync(path).size / 1024)} kB`);
}

async function shoot(browser, { kul, hgh }) {
  const front = await open(browser, { size: SIZE });
  await front.goto(kul);
  await take(front, "front");

  const seller = await sit(browser, kul, "seller", "Seri Warisan Trading");
  await seller.goto(`${kul}/products`);
  await take(seller, "readiness");
  await seller.goto(`${kul}/trades?stage=paid`);
  await seller.locator("tbody a.code").first().click();
  await take(seller, "trade-file");

  const buyer = await sit(browser, hgh, "buyer", false);
  await buyer.goto(`${hgh}/offers?q=Compact+powder`);
  await buyer.locator(".tiles h3 a").first().click();
  await press(buyer, "offer-ask-go");
  await take(buyer, "quote");

  const officer = await sit(browser, hgh, "officer", true);
  await officer.locator("tbody tr", { hasText: officer.w("field-gross-weight") }).first().getByRole("link").click();
  await take(officer, "hold");

  const chinese = await sit(browser, hgh, "officer", true, { lang: "zh-CN", dark: true });
  await take(chinese, "queue-zh");

  const agency = await sit(browser, kul, "agency", true);
  await take(agency, "agency");

  const permits = await sit(browser, kul, "seller", "Seri Warisan Trading");
  await permits.goto(`${kul}/permits`);
  await take(permits, "permits");

  const operator = await sit(browser, hgh, "operator", true);
  await take(operator, "operator");

  // Steps of a seller's first hour, on a phone.
  const steps = { "start-next-mend": "phone-mend", "start-next-paid": "phone-paid" };
  await firstHour(browser, { kul, hgh }, "ms", {
    onStep: async (page, key) => {
      await page.setViewportSize(PHONE);
      if (steps[key]) await take(page, steps[key]);
    },
  });
}

mkdirSync(OUT, { recursive: true });
const hubs = await startHubs();
const browser = await launch();
try {
  await shoot(browser, hubs);
} finally {
  await browser.close();
  await hubs.stop();
}
