// What everybody may do without an account: verify a trade file, track a parcel, look at goods; and
// what every page does without scripts.
import { readFileSync } from "node:fs";
import { enter, must, noFaults, open, press } from "./browser.mjs";
import { firstHour } from "./first_hour.mjs";
import { check } from "./report.mjs";

export async function anybody(browser, hubs) {
  const { kul, hgh } = hubs;
  const page = await open(browser);
  let bundle, waybill, order, code;

  await check("trade file: says what happened, proves it, and is downloaded with its proofs", async () => {
    await enter(page, kul, "seller", "Seri Warisan Trading");
    await page.goto(`${kul}/trades?stage=paid`);
    await page.locator("tbody a.code").first().click();
    order = (await page.locator(".head small .code").innerText()).trim();
    const main = await page.locator("main").innerText();
    for (const key of ["match-heading", "fall-heading", "money-heading", "customs-heading", "line-heading", "papers-heading"]) {
      must(main.includes(page.w(key)), `no part “${page.w(key)}”`);
    }
    must(/event [\d,]+/.test(main) && main.includes(page.w("line-seen")), "events have no proof");
    must(await page.locator("table.match .state.stop").count() === 0, "a paid trade does not agree");
    bundle = await fetched(page, page.getByRole("link", { name: page.w("papers-bundle-public"), exact: true }));
    const label = await page.getByRole("link", { name: page.w("papers-label"), exact: true }).getAttribute("href");
    const pdf = await (await page.request.get(new URL(label, kul).href)).body();
    must(pdf.subarray(0, 5).toString() === "%PDF-", "the label is not a PDF");
    const way = await page.getByRole("link", { name: page.w("track-link"), exact: true }).getAttribute("href");
    code = new URL(way, kul).searchParams.get("code");
    await page.goto(`${page.url().split("?")[0]}/waybill`);
    waybill = (await page.locator("dd.code").first().innerText()).trim();
    noFaults(page);
    await page.context().clearCookies();
  });

  await check("verify: a bundle holds; an altered one falls, and the place is named", async () => {
    await verify(page, hgh, bundle);
    must(await page.locator("[role=status]").isVisible(), `it did not hold: ${await page.locator("main").innerText()}`);
    must(await page.locator("ol.line li").count() >= 2, "the proved events are not listed");
    // One letter of the order's number, wherever it first stands.
    const altered = Buffer.from(bundle);
    const at = altered.indexOf(order);
    altered[at] = altered[at] === 0x58 ? 0x59 : 0x58;
    await verify(page, hgh, altered);
    const told = await page.locator("[role=alert]").innerText();
    const line = altered.subarray(0, at).toString().split("\n").length;
    must(told.includes(page.w("verify-broken")), "an altered bundle held");
    must(told.includes(`Byte ${at.toLocaleString("en")},`) && told.includes(`line ${line},`), `the place is not named: ${told}`);
    await verify(page, hgh, Buffer.from("{}"));
    must((await page.locator("[role=alert]").innerText()).includes(page.w("problem-not-a-bundle")), "an empty object is a bundle");
    page.faults.splice(0);
  });

  await check("track: number and code open the parcel's way, the number alone does not", async () => {
    await page.goto(`${kul}/track`);
    await page.getByLabel(page.w("track-number")).fill(waybill);
    await page.getByLabel(page.w("track-code")).fill(code);
    await press(page, "track-go");
    must(await page.locator("ol.line li").count() >= 4, "the way is not shown");
    must(!/RM|¥|CNY/.test(await page.locator("main").innerText()), "a price is shown to whoever tracks");
    await page.getByLabel(page.w("track-code")).fill(order);
    await press(page, "track-go");
    await page.getByText(page.w("track-none")).waitFor();
    page.faults.splice(0);
  });

  await check("estimate: what is typed has its price to the door, and can be sent on", async () => {
    await page.goto(`${hgh}/estimate`);
    await page.getByLabel(page.w("estimate-pieces"), { exact: true }).fill("2");
    await page.getByLabel(page.w("field-description")).fill("Instant white coffee mix in sachets");
    await page.getByLabel(page.w("field-hs"), { exact: true }).fill("2101.12");
    await page.getByLabel(page.w("field-price")).fill("24.90");
    await page.getByLabel(page.w("field-weight")).fill("0.62");
    await page.keyboard.press("Enter");
    // 80.60 of goods, 58.26 of carriage, 12.64 of VAT: see the README.
    await page.getByRole("heading", { level: 1, name: "151.50" }).waitFor();
    const told = await page.locator("main").innerText();
    for (const part of ["80.60", "58.26", "12.64", "cn.cbec.composite"]) must(told.includes(part), `${part} is not shown`);
    const other = await open(browser);
    await other.goto(page.url());
    must((await other.locator("h1").innerText()).includes("151.50"), "an estimate that was sent on is another");
    await other.context().close();
  });

  await check("calculator: a parcel to another market, every line explained, by a link that stays", async () => {
    await page.goto(`${kul}/calculator`);
    await page.getByLabel(page.w("calculator-to")).selectOption("FR");
    await page.getByLabel(page.w("calculator-date"), { exact: true }).fill("2026-11-23");
    await page.locator("#hs").fill("640399");
    await page.locator("#value").fill("60.00");
    await page.getByLabel(page.w("calculator-freight")).fill("10.00");
    await page.keyboard.press("Enter");
    // 3.00 of duty; VAT 20 % of 60.00 + 10.00 + 3.00 = 14.60; EUR 2.00 a line: 89.60
    await page.getByRole("heading", { level: 1, name: "89.60" }).waitFor();
    await page.getByRole("link", { name: page.w("calculator-permanent") }).click();
    await page.getByRole("heading", { level: 1, name: "89.60" }).waitFor();
    must(page.url().includes("pack="), "the link does not name the pack");
    await page.locator("details.source summary").first().click();
    await page.getByRole("link", { name: page.w("calculator-the-rule") }).first().click();
    must(page.url().includes("/rules/EU"), "the rule is not shown");
  });

  await check("classify: words lead to codes, and one question is answered by a click", async () => {
    await page.goto(`${kul}/classify`);
    await page.getByLabel(page.w("classify-text")).fill("cardigan");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: page.w("classify-codes") }).waitFor();
    await page.locator("main a[href*='fibre%3Asynthetic']").click();
    await page.getByText(page.w("classify-answered")).waitFor();
    must((await page.locator("main ol li").first().innerText()).includes("6110.30"), "the answer does not narrow the codes");
    await page.getByLabel(page.w("classify-text")).fill("851");
    await page.keyboard.press("Enter");
    await page.locator("[role=alert]").waitFor();
    page.faults.splice(0);
  });

  await check("errors: no such page, another's page, a form with faults: each says what to do", async () => {
    await page.goto(`${kul}/no-such-page`);
    must(await page.locator("main a.button").count() === 1, "a missing page leads nowhere");
    await page.goto(`${kul}/trades/hgh.sandbox%3ANOBODY`);
    must(page.url().includes("/sign-in"), "a stranger is not asked to sign in");
    await page.getByLabel(page.w("party-email")).fill("nobody@example.com");
    await page.getByLabel(page.w("party-password")).fill("not the password at all");
    await page.keyboard.press("Enter");
    must((await page.locator("[role=alert]").innerText()).includes(page.w("problem-wrong-password")), "a wrong password is not told");
    must(await page.getByLabel(page.w("party-email")).inputValue() === "nobody@example.com", "what was typed is lost");
    page.faults.splice(0);
  });

  await check("sign-up: a seller and a buyer by the form; the password is kept from nobody but us", async () => {
    for (const [hub, role, home] of [[kul, "seller", "/start"], [hgh, "buyer", "/offers"]]) {
      await page.context().clearCookies();
      await page.goto(`${hub}/sign-up?role=${role}`);
      await page.locator("#name").fill(role === "seller" ? "Kedai Kopi Seri" : "李小明");
      if (role === "buyer") await page.locator("#id_number").fill("999999199001010023");
      await page.locator("#email").fill(`${role}-${Date.now()}@example.com`);
      await page.locator("#password").fill("a sentence that only I know");
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === home);
    }
    noFaults(page);
    await page.context().close();
  });
}

/** The same without scripts: what htmx renews by itself, the page renews by itself, only slower. */
export async function withoutScripts(browser, hubs) {
  const { hgh } = hubs;
  await check("without scripts: the first hour, from price list to payout", async () => {
    const page = await firstHour(browser, hubs, "en", { scripts: false });
    await page.context().close();
  });
  await check("without scripts: the light is chosen, an officer decides, a carrier scans", async () => {
    const page = await open(browser, { scripts: false });
    await enter(page, hgh, "officer", true);
    await page.getByRole("button", { name: page.w("theme-dark") }).click();
    must(await page.locator("html").getAttribute("data-theme") === "dark", "the light is not kept");
    await page.locator("tbody a.code").first().click();
    await page.getByRole("button", { name: page.w("clearance-release") }).click();
    must((await page.locator("[role=alert]").innerText()).includes(page.w("problem-reason-missing")), "a release without reason was taken");
    await enter(page, hgh, "carrier", true);
    await page.locator("#number").fill("LX000000000MY");
    await page.locator("#place").fill("CNHGH");
    await page.keyboard.press("Enter");
    await page.locator("[role=alert]").waitFor();
    await page.context().close();
  });
}

async function verify(page, hub, bytes) {
  await page.goto(`${hub}/verify`);
  await page.locator("input[type=file]").setInputFiles({ name: "bundle.json", mimeType: "application/json", buffer: bytes });
  await press(page, "verify-go");
}

async function fetched(page, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), link.first().click()]);
  return readFileSync(await download.path());
}
