// The main task of everybody, with the keyboard alone: what is not reached by Tab, typed or entered is
// not done. (The seller's waybill and the officer's decisions by keys are in `desks.mjs`.)
import { buy, declare, hit, s10, stage, tabTo, type, until, waybill } from "./acts.mjs";
import { enter, must, noFaults, open } from "./browser.mjs";
import { check } from "./report.mjs";

const SHOP = "Seri Warisan Trading";
const GOODS = "Kelulut honey 250 ml";

export async function offices(browser, hubs) {
  const { kul, hgh } = hubs;
  const windows = {};
  const sit = async (name, hub, role, party) => {
    windows[name] = await open(browser);
    await enter(windows[name], hub, role, party);
  };
  await Promise.all([
    sit("client", kul, "seller"), sit("broker", kul, "broker", true), sit("agency", kul, "agency", true),
    sit("buyer", hgh, "buyer"), sit("seller", kul, "seller", SHOP), sit("exportOfficer", kul, "officer", true),
    sit("warehouse", kul, "warehouse", true), sit("brings", hgh, "carrier", true), sit("lender", kul, "lender", true),
    sit("operator", kul, "operator", true), sit("hands", kul, "carrier", true), sit("importBank", hgh, "bank", true),
  ]);
  const { client, broker, agency, buyer, seller, exportOfficer, warehouse, brings, lender, operator } = windows;
  const { hands, importBank } = windows;

  await check("buyer, seller and carrier, by keyboard: ordered, paid, declared, scanned", async () => {
    await buyer.goto(`${hgh}/offers`);
    await type(buyer, buyer.w("offer-search"), GOODS);
    await hit(buyer, buyer.w("search"));
    await hit(buyer, GOODS, SHOP);
    await hit(buyer, buyer.w("offer-ask-go"));
    const words = async (page, key) => (await page.getByRole("button", { name: page.w(key) }).innerText()).trim();
    await hit(buyer, await words(buyer, "quote-order"));
    const order = new URL(buyer.url()).pathname;
    await hit(buyer, buyer.w("order-pay"));
    await hit(buyer, await words(buyer, "payment-pay"));
    await stage(buyer, "stage-in-escrow", hgh + order);
    await stage(seller, "stage-in-escrow", kul + order);
    await hit(seller, seller.w("waybill-new"));
    await type(seller, seller.w("waybill-no"), s10());
    await Promise.all([seller.waitForEvent("load"), seller.keyboard.press("Enter")]);
    await hit(seller, seller.w("declaration-new"));
    await hit(seller, seller.w("declaration-lodge"));
    const number = await waybill(seller, kul, order);
    await hands.goto(`${kul}/parcels`);
    await tabTo(hands, hands.w("custody-step"));
    await hands.keyboard.type(hands.w("step-handed-over"));
    await type(hands, hands.w("custody-place"), "MYKUL");
    await type(hands, hands.w("custody-number"), number);
    await Promise.all([hands.waitForEvent("load"), hands.keyboard.press("Enter")]);
    must(await hands.locator("[role=status]").isVisible(), await hands.locator("main").innerText());
  });

  await check("bank and operator, by keyboard: what is due is paid, the clock goes on a day", async () => {
    const order = await buy(buyer, hgh, SHOP, GOODS);
    await buyer.goto(`${hgh}${order}/return`);
    await hit(buyer, buyer.w("return-cancel"));
    await stage(buyer, "stage-cancelled", hgh + order);
    // Another desk may have put it into a file of its own.
    for (const key of ["payouts-make", "payouts-execute"]) {
      await importBank.goto(`${hgh}/payouts`);
      if (await importBank.getByRole("button", { name: importBank.w(key), exact: true }).count()) await hit(importBank, importBank.w(key));
    }
    await buyer.goto(hgh + order);
    await until(buyer, async () => (await buyer.locator("main").innerText()).includes(buyer.w("event-payout-done")));
    await operator.goto(`${kul}/operator`);
    await hit(operator, operator.w("hub-clock-day"));
    must(await operator.locator("[role=alert]").count() === 0, await operator.locator("main").innerText());
  });

  await check("broker and agency, by keyboard: a mandate, a permit asked for the client, asked back, granted", async () => {
    await client.goto(`${kul}/mandates`);
    const firm = (await client.locator("body").innerText()).match(/Practice seller \w+/)[0];
    await tabTo(client, client.w("act-permits"));
    await client.keyboard.press("Space");
    await tabTo(client, client.w("mandate-until"));
    await client.keyboard.type("06302027");
    await hit(client, client.w("mandate-give-go"));
    must((await client.locator("main").innerText()).includes(client.w("mandate-state-offered")), "the mandate is not given");
    await broker.goto(`${kul}/clients`);
    await hit(broker, broker.w("clients-offered-go"));
    await hit(broker, broker.w("mandate-accept"), firm);
    await broker.goto(`${kul}/clients`);
    await hit(broker, broker.w("nav-permits"), firm);
    await hit(broker, broker.w("permit-ask"));
    await type(broker, broker.w("field-hs"), "0409.00");
    await type(broker, broker.w("permit-pieces"), "50");
    await hit(broker, broker.w("permit-ask-go"));
    const permit = new URL(broker.url()).pathname;
    await agency.goto(kul + permit);
    await type(agency, agency.w("permit-reason"), "Which batch?");
    await hit(agency, agency.w("permit-ask-back"));
    await broker.goto(kul + permit);
    await type(broker, broker.w("permit-answer"), "Batch 7 of this month.");
    await hit(broker, broker.w("permit-answer-go"));
    await agency.goto(kul + permit);
    must((await agency.locator("main").innerText()).includes("Batch 7"), "the answer is not shown");
    await type(agency, agency.w("permit-no"), `HC-${Date.now()}`);
    await hit(agency, agency.w("permit-grant-go"));
    await client.goto(kul + permit);
    must((await client.locator(".head .state").innerText()) === client.w("permit-state-granted"), "the client does not see it granted");
  });

  let path = "";
  await check("lender, by keyboard: its money is booked, it offers, the seller takes the offer", async () => {
    path = await buy(buyer, hgh, SHOP, GOODS);
    await declare(seller, exportOfficer, kul, path);
    await stage(seller, "stage-export-released", kul + path, ["stage-import-held", "stage-import-released"]);
    await operator.goto(`${kul}/advances`);
    await type(operator, operator.w("funds-no"), `TT-${Date.now()}`);
    await operator.keyboard.press("Tab");
    await operator.keyboard.type("500.00");
    await hit(operator, operator.w("funds-in"));
    await seller.goto(`${kul}${path}/advance`);
    await hit(seller, seller.w("advance-ask"));
    await lender.goto(`${kul}/advances`);
    const name = path.slice(path.lastIndexOf("/") + 1).split(".").pop();
    await hit(lender, (await lender.locator(`a.code[href*="${name}"]`).first().innerText()).trim());
    await tabTo(lender, `${lender.w("advance-amount")} (MYR)`);
    await lender.keyboard.type("20.00");
    await type(lender, lender.w("advance-fee-rate"), "1.5");
    await type(lender, lender.w("advance-tenor"), "30");
    await hit(lender, lender.w("advance-offer"));
    must((await lender.locator("main").innerText()).includes("20.30"), "what is repaid (20.00 + 1.5 %) is not shown");
    await seller.goto(`${kul}${path}/advance`);
    await hit(seller, seller.w("advance-take"));
    must((await seller.locator(".head .state").innerText()) === seller.w("advance-accepted"), "the offer is not taken");
  });

  await check("warehouse, by scans alone: received, stored, bagged, sealed, on a manifest that leaves as a whole", async () => {
    const says = async (code) => {
      await warehouse.keyboard.type(code);
      await Promise.all([warehouse.waitForEvent("load"), warehouse.keyboard.press("Enter")]);
      const says = await warehouse.locator("main").innerText();
      must(await warehouse.locator("[role=alert]").count() === 0, `after ${code} the page says: ${says}`);
      return says;
    };
    await seller.goto(kul + path);
    const number = (await seller.locator("main").innerText()).match(/CP\d{9}MY/)[0];
    await warehouse.goto(`${kul}/bags`);
    await hit(warehouse, warehouse.w("bag-open"));
    const bag = (await warehouse.locator("h1.code").innerText()).trim();
    await warehouse.goto(`${kul}/warehouse/scan`);
    await says(number);
    must((await says("B-A01")).includes("B-A01"), "it does not say where the parcel lies");
    await says(number);
    must((await says(bag)).includes(bag), "it does not say in which bag the parcel is");
    await warehouse.goto(`${kul}/bags/${bag}`);
    await type(warehouse, warehouse.w("bag-seal-number"), "SEAL-77");
    await hit(warehouse, warehouse.w("bag-seal-go"));
    await warehouse.goto(`${kul}/manifests`);
    await type(warehouse, warehouse.w("manifest-vehicle"), "MH376");
    await tabTo(warehouse, warehouse.w("manifest-master"));
    const serial = String(Math.floor(Math.random() * 1e7)).padStart(7, "0");
    await warehouse.keyboard.type(`232-${serial}${Number(serial) % 7}`);
    await type(warehouse, warehouse.w("manifest-from"), "MYKUL");
    await type(warehouse, warehouse.w("manifest-to"), "CNHGH");
    await moment(warehouse, warehouse.w("manifest-departs"), "0800AM");
    await moment(warehouse, warehouse.w("manifest-arrives"), "0200PM");
    await hit(warehouse, warehouse.w("manifest-open"));
    must(/\/manifests\/./.test(warehouse.url()), await warehouse.locator("main").innerText());
    const manifest = warehouse.url();
    const master = (await warehouse.locator("h1.code").innerText()).trim();
    await warehouse.goto(`${kul}/bags/${bag}`);
    await tabTo(warehouse, warehouse.w("bag-load"));
    await warehouse.keyboard.type(master);
    await hit(warehouse, warehouse.w("bag-load-go"));
    await warehouse.goto(manifest);
    await hit(warehouse, warehouse.w("manifest-close"));
    must(await warehouse.locator("[role=alert], .told .gaps").count() === 0, await warehouse.locator("main").innerText());
    await brings.goto(`${hgh}/manifests`);
    await until(brings, async () => await brings.getByRole("link", { name: master }).count() > 0);
    await hit(brings, master);
    await hit(brings, brings.w("manifest-arrive-go"));
    await stage(buyer, "stage-import-released", hgh + path, ["stage-import-held"]);
    must((await buyer.locator("main").innerText()).includes(buyer.w("step-arrived")), "the buyer does not see that it arrived");
  });

  // Waiting for what had not come over the road yet is no fault.
  for (const page of Object.values(windows)) {
    page.faults.splice(0, page.faults.length, ...page.faults.filter((f) => !/404|409|422/.test(f)));
    noFaults(page);
  }
  await Promise.all(Object.values(windows).map((page) => page.context().close()));
}

/** Types a time of a day that the sandbox has not reached into a field for date and time. */
async function moment(page, name, time) {
  const day = new Date(Date.now() + 40 * 86_400_000);
  const two = (n) => String(n).padStart(2, "0");
  await tabTo(page, name);
  await page.keyboard.type(`${two(day.getMonth() + 1)}${two(day.getDate())}${day.getFullYear()}`);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type(time);
}
