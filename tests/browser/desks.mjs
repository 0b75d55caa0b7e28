// Every desk's main task, by clicks: three orders of one buyer pass seller, carriers, both customs,
// bank and operator. One goes through after a question of customs, one is examined and released, one
// is detained and its money goes back.
import { order, release, s10, scan, scanned, stage, stageWord, tabTo, until, waybill } from "./acts.mjs";
import { enter, must, noFaults, open, press } from "./browser.mjs";
import { check } from "./report.mjs";

const SHOP = "Seri Warisan Trading";

export async function desks(browser, hubs) {
  const { kul, hgh } = hubs;
  const windows = {};
  const sit = async (name, hub, role, party) => {
    windows[name] = await open(browser);
    await enter(windows[name], hub, role, party);
  };
  await Promise.all([
    sit("buyer", hgh, "buyer"), sit("seller", kul, "seller", SHOP), sit("officer", hgh, "officer", true),
    sit("exportOfficer", kul, "officer", true), sit("hands", kul, "carrier", true), sit("brings", hgh, "carrier", true),
    sit("operator", hgh, "operator", true), sit("bank", kul, "bank", true), sit("importBank", hgh, "bank", true),
  ]);
  const { buyer, seller, officer, exportOfficer, hands, brings, operator, bank, importBank } = windows;
  const orders = {};

  await check("buyer: searches, sees one price to the door, orders, pays", async () => {
    // Soap is green, face powder is always looked at, honey is green.
    for (const [name, goods] of [["asked", "Kelulut honey 250 ml"], ["examined", "Compact powder"], ["detained", "Tualang honey 500 g"]]) {
      await buyer.goto(`${hgh}/offers`);
      await buyer.getByLabel(buyer.w("offer-search")).fill(goods);
      await press(buyer, "search");
      await buyer.locator(".tiles section", { hasText: SHOP }).getByRole("link", { name: goods }).first().click();
      await press(buyer, "offer-ask-go");
      const total = (await buyer.locator("tr.total td.num").innerText()).trim();
      must((await buyer.locator("h1").innerText()).includes(total), "the heading does not say the price to the door");
      must(await buyer.locator("table.fall tr").count() >= 4, "the charges are not shown one by one");
      await buyer.getByRole("button", { name: buyer.w("quote-order") }).click();
      must((await buyer.locator(".next").innerText()).includes(total), "the amount to pay is not the one quoted");
      orders[name] = new URL(buyer.url()).pathname;
      await press(buyer, "order-pay");
      await buyer.getByRole("button", { name: buyer.w("payment-pay") }).click();
      await stage(buyer, "stage-in-escrow", hgh + orders[name]);
    }
  });

  await check("seller: registers a waybill by keyboard alone, declares", async () => {
    for (const [name, factor] of [["asked", 1.5], ["examined", 1], ["detained", 1.5]]) {
      await stage(seller, "stage-in-escrow", kul + orders[name]);
      await tabTo(seller, seller.w("waybill-new"));
      await seller.keyboard.press("Enter");
      await seller.waitForURL(/\/waybill$/);
      const right = Number(await seller.locator("#weight").inputValue());
      await tabTo(seller, seller.w("waybill-no"));
      await seller.keyboard.type(s10());
      await tabTo(seller, seller.w("waybill-weight"));
      await seller.keyboard.press("Control+A");
      await seller.keyboard.type((right * factor).toFixed(3));
      await seller.keyboard.press("Enter");
      await seller.waitForURL((url) => !url.pathname.endsWith("/waybill"));
      await press(seller, "declaration-new");
      await press(seller, "declaration-lodge");
      // What chance takes out of the green channel is examined and let go.
      await seller.waitForURL((url) => !url.pathname.endsWith("/export-declaration"));
      if ((await stageWord(seller)) === seller.w("stage-export-held")) await release(exportOfficer, kul, orders[name], "seen");
      await stage(seller, "stage-export-released", kul + orders[name], ["stage-import-held"]);
    }
  });

  await check("carrier: a wrong number and a forbidden movement are refused at the scan", async () => {
    await scan(hands, kul, "handed-over", "MYKUL", "LX000000000MY");
    must(await hands.locator("[role=alert]").isVisible(), "a number that nobody has was taken");
    const number = await waybill(seller, kul, orders.detained);
    for (const step of ["handed-over", "departed"]) await scan(hands, kul, step, "MYKUL", number);
    await scanned(brings, hgh, "arrived", "CNHGH", number);
    await scan(brings, hgh, "out-for-delivery", "CNHGH", number);
    const refusal = await brings.locator("[role=alert]").innerText();
    must(refusal.includes(brings.w("problem-not-released-for-import")), `the scanner says “${refusal}”`);
    brings.faults.splice(0);
    hands.faults.splice(0);
  });

  await check("officer: sees what disagrees and why, asks the carrier", async () => {
    await stage(buyer, "stage-import-held", hgh + orders.asked);
    await officer.goto(`${hgh}/officer`);
    const row = officer.locator("tbody tr", { has: officer.locator(`a[href$="${order(orders.asked)}"]`) });
    must((await row.innerText()).includes(officer.w("field-gross-weight")), "the queue does not name the field that differs");
    await row.getByRole("link").click();
    const first = officer.locator("table.match tbody tr").first();
    must((await first.innerText()).includes(officer.w("field-gross-weight")), "the difference is not on top of the match");
    must(await first.locator("td.differs").count() === 2, "the two values that differ are not marked");
    // A question without its reason is refused, in words, and nothing that was typed is lost.
    await officer.getByRole("button", { name: officer.w("clearance-ask") }).click();
    must((await officer.locator("[role=alert]").innerText()).includes(officer.w("problem-reason-missing")), "a question without reason was taken");
    await officer.getByLabel(officer.w("clearance-reason-label"), { exact: true }).fill("Please weigh the parcel again.");
    await officer.getByLabel(officer.w("clearance-ask-what")).selectOption("gross-weight");
    await officer.getByLabel(officer.w("clearance-ask-whom")).selectOption("carrier");
    await officer.getByRole("button", { name: officer.w("clearance-ask") }).click();
    await officer.waitForURL(/\/officer$/);
    officer.faults.splice(0);
  });

  await check("carrier: is asked, corrects the weight; customs releases", async () => {
    await hands.goto(kul + orders.asked);
    await until(hands, async () => (await hands.locator(".next").innerText()).includes("weigh the parcel again"));
    await press(hands, "waybill-correct");
    const wrong = Number(await hands.locator("#weight").inputValue());
    await hands.locator("#weight").fill((wrong / 1.5).toFixed(3));
    await press(hands, "waybill-save-correct");
    await officer.goto(hgh + orders.asked.replace("/trades/", "/officer/"));
    await until(officer, async () => await officer.locator("td.differs").count() === 0);
    if (await officer.getByRole("button", { name: officer.w("clearance-release") }).count()) {
      await release(officer, hgh, orders.asked, "Weighed again, agrees.");
    }
    await stage(buyer, "stage-import-released", hgh + orders.asked);
  });

  await check("officer: examines by keys alone and releases; detains with a reason", async () => {
    await officer.goto(`${hgh}/officer`);
    const link = officer.locator(`a[href$="${order(orders.examined)}"]`);
    for (let i = 0; i < 40 && !(await link.evaluate((e) => e === document.activeElement)); i += 1) await officer.keyboard.press("j");
    await officer.keyboard.press("Enter");
    await officer.waitForURL((url) => url.pathname.endsWith(order(orders.examined)));
    await officer.keyboard.press("f");
    must(await officer.locator("#reason").evaluate((e) => e === document.activeElement), "the key does not lead to the reason");
    await officer.keyboard.type("Contents and label agree.");
    await officer.keyboard.press("Escape");
    await officer.keyboard.press("f");
    await officer.waitForURL(/\/officer$/);
    await stage(buyer, "stage-import-released", hgh + orders.examined);

    await officer.goto(hgh + orders.detained.replace("/trades/", "/officer/"));
    await officer.locator("#reason").fill("Not what was declared.");
    await officer.getByRole("button", { name: officer.w("clearance-detain") }).click();
    await officer.waitForURL(/\/officer$/);
    await stage(buyer, "stage-detained", hgh + orders.detained);
    must((await buyer.locator("main").innerText()).includes("Not what was declared."), "the buyer is not told the reason");
  });

  await check("carriers: hand over, depart, arrive, deliver", async () => {
    for (const name of ["asked", "examined"]) {
      const number = await waybill(seller, kul, orders[name]);
      for (const [window, hub, step, place] of [[hands, kul, "handed-over", "MYKUL"], [hands, kul, "departed", "MYKUL"],
        [brings, hgh, "arrived", "CNHGH"], [brings, hgh, "out-for-delivery", "CNHGH"], [brings, hgh, "delivered", "CNHGH"]]) {
        await scanned(window, hub, step, place, number);
      }
    }
  });

  await check("buyer: accepts the goods; the escrow is released", async () => {
    await stage(buyer, "stage-delivered", hgh + orders.asked);
    await press(buyer, "escrow-accept");
    await stage(buyer, "stage-settled", hgh + orders.asked, ["stage-paid"]);
  });

  await check("bank: puts what is due into a file and confirms it; the seller is paid", async () => {
    await bank.goto(`${kul}/payouts`);
    await until(bank, async () => await bank.getByRole("button", { name: bank.w("payouts-make"), exact: true }).count() === 1);
    await press(bank, "payouts-make");
    await press(bank, "payouts-execute");
    await stage(seller, "stage-paid", kul + orders.asked);
    await stage(buyer, "stage-paid", hgh + orders.asked);
    // A notice that is none: refused in words.
    await importBank.goto(`${hgh}/bank`);
    await importBank.locator("input[type=file]").setInputFiles({ name: "notice.xml", mimeType: "text/xml", buffer: Buffer.from("<Document>") });
    await press(importBank, "bank-send");
    must(await importBank.locator("[role=alert]").isVisible(), "a broken notice was taken");
    importBank.faults.splice(0);
  });

  await check("operator: moves the clock a day, pauses and resumes the road, sees the books agree", async () => {
    await operator.goto(`${hgh}/operator`);
    const now = () => operator.locator("section", { has: operator.getByRole("heading", { name: operator.w("hub-clock"), exact: true }) }).locator("p").first().innerText();
    const before = await now();
    await press(operator, "hub-clock-day");
    must(await now() !== before, "the clock stands");
    await operator.goto(`${hgh}/peers`);
    await press(operator, "peers-pause");
    await operator.getByText(operator.w("hub-paused"), { exact: true }).waitFor();
    await press(operator, "peers-resume");
    await operator.getByText(operator.w("hub-open"), { exact: true }).waitFor();
    await operator.goto(`${hgh}/settlement`);
    must(await operator.locator(".state.stop").count() === 0, "the books do not agree");
  });

  await check("desks: the browser had nothing to complain of", async () => {
    for (const window of Object.values(windows)) noFaults(window);
  });
  await Promise.all(Object.values(windows).map((window) => window.context().close()));
  return orders;
}
