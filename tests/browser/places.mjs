// Every kind of page, each with somebody who may see it: signed in, at an address that exists now.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { enter, open, press } from "./browser.mjs";
import { ROOT } from "./hubs.mjs";

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** What an estimate is asked for. */
const COFFEE = "from=kul.sandbox&pieces=2&description=Instant+white+coffee+mix+in+sachets&hs=2101.12&origin=MY&price=24.90&weight=0.62";

/** A parcel asked of the calculator. */
const TO_FRANCE = "to=FR&date=2026-11-23&hs=640399&pieces=1&value=60.00&origin=CN&hs2=610910&pieces2=2&value2=40.00&origin2=CN&freight=10.00";

/** Answers groups of pages: `{ who, cookies, pages: [[name, address]] }`. */
export async function places(browser, hubs) {
  const groups = [];
  const { kul, hgh } = hubs;
  const add = async (who, page, pages) => {
    const cookies = page ? (await page.context().cookies()).filter((c) => c.name !== "lang") : [];
    groups.push({ who, cookies, pages });
    await page?.context().close();
  };

  await add("anybody", null, [
    ["front", `${kul}/`], ["front-importer", `${hgh}/`], ["sign-in", `${kul}/sign-in`],
    ["sign-up-seller", `${kul}/sign-up?role=seller`], ["sign-up-buyer", `${hgh}/sign-up?role=buyer`],
    ["shop-anybody", `${hgh}/offers`], ["verify", `${kul}/verify`], ["track", `${kul}/track`],
    ["estimate", `${hgh}/estimate`], ["incoterms", `${hgh}/incoterms`], ["estimate-none", `${kul}/estimate`],
    ["estimate-done", `${hgh}/estimate?${COFFEE}`], ["estimate-faulty", `${hgh}/estimate?${COFFEE.replace("0.62", "2,5 kgs").replace("24.90", "free")}`],
    ["calculator", `${kul}/calculator`], ["calculator-done", `${kul}/calculator?${TO_FRANCE}`],
    ["calculator-faulty", `${hgh}/calculator?${TO_FRANCE.replace("640399", "6403").replace("60.00", "NaN")}`],
    ["calculator-refused", `${kul}/calculator?to=MY&hs=940161&value=900.00&date=2026-11-23`],
    ["rules", `${kul}/rules`], ["rules-of", `${kul}/rules/EU?date=2026-11-23`], ["rules-changes", `${kul}/rules/EU/changes?from=2026-06-30&to=2026-07-01`],
    ["classify", `${kul}/classify`], ["classify-sure", `${kul}/classify?text=kopi+o+kampung+250g`],
    ["classify-question", `${kul}/classify?text=baju+kurung+moden`], ["classify-heading", `${kul}/classify?text=8517`],
    ["classify-nothing", `${kul}/classify?text=zzqwv`],
    ["track-nothing", `${kul}/track?number=LX473124829MY&code=NO-1`], ["logbook", `${kul}/logbook`],
    ["api", `${kul}/api`], ["problems", `${kul}/api/problems`], ["problem-of-code", `${kul}/api/problems/claim-open`],
    ["no-such-page", `${kul}/no-such-page`], ["not-yours", `${kul}/operator`],
  ]);

  const seller = await entered(browser, kul, "seller", "Seri Warisan Trading");
  const product = await first(seller, `${kul}/products`, "tbody a[href^='/products/']");
  const lacking = await first(seller, `${kul}/products`, "tbody tr:has(.state.wait) a[href^='/products/']");
  const trade = await first(seller, `${kul}/trades?stage=paid`, "tbody a.code");
  const detained = await first(seller, `${kul}/trades?stage=detained`, "tbody a.code");
  await seller.goto(`${kul}/products/upload`);
  await seller.locator("input[type=file]").setInputFiles(list("price-list-broken.xlsx"));
  await press(seller, "product-upload");
  const reading = seller.url();
  await seller.goto(product);
  const quote = await first(seller, product, "a[href^='/quotes/']");
  await add("seller", seller, [
    ["products", `${kul}/products`], ["product", product], ["product-lacking", lacking],
    ["product-new", `${kul}/products/new`], ["materials", `${product}/materials`], ["certificate", `${trade}/origin/acfta`], ["upload", `${kul}/products/upload`], ["reading", reading],
    ["trades", `${kul}/trades`], ["trade-paid", trade], ["trade-detained", detained],
    ["waybill", `${trade}/waybill`], ["declaration", `${trade}/export-declaration`],
    ["advance", `${trade}/advance`],
    ["seller-quote", quote], ["permits", `${kul}/permits`], ["permit-new", `${kul}/permits/new?hs=040900`],
    ["mandates", `${kul}/mandates`], ["trade-permits", `${trade}/permits`], ["my-stock", `${kul}/stock`], ["money", `${kul}/money`], ["account", `${kul}/account`], ["webhooks", `${kul}/webhooks`], ["start-paid", `${kul}/start`],
    ["forbidden", `${kul}/officer`],
  ]);

  const fresh = await entered(browser, kul, "seller");
  await add("new-seller", fresh, [
    ["start", `${kul}/start`], ["products-none", `${kul}/products`], ["trades-none", `${kul}/trades`],
    ["money-none", `${kul}/money`],
  ]);
  const mending = await entered(browser, kul, "seller");
  await mending.locator("input[type=file]").setInputFiles(list("price-list-broken.xlsx"));
  await press(mending, "product-upload");
  await add("mending-seller", mending, [["start-mend", `${kul}/start`], ["start-ask", `${kul}/start?skip=mend`]]);

  const buyer = await entered(browser, hgh, "buyer");
  // Goods that may come in as a consumer's parcel: of some in the shop that is not known, and no price is given.
  const offer = await first(buyer, `${hgh}/offers?q=coffee`, ".tiles h3 a");
  const unsold = await first(buyer, `${hgh}/offers?q=pewter`, ".tiles section:has(.state.wait) h3 a");
  await buyer.goto(offer);
  await press(buyer, "offer-ask-go");
  await buyer.waitForURL(/\/quotes\/quo_/);
  const asked = buyer.url();
  await add("new-buyer", buyer, [
    ["shop", `${hgh}/offers`], ["shop-found-nothing", `${hgh}/offers?q=zzzz`], ["offer", offer], ["offer-not-sold", unsold], ["quote", asked],
    ["orders-none", `${hgh}/orders`], ["buyer-money-none", `${hgh}/money`],
  ]);
  const known = await entered(browser, hgh, "buyer", true);
  const bought = await first(known, `${hgh}/orders`, "tbody a");
  await add("buyer", known, [["orders", `${hgh}/orders`], ["order", bought], ["buyer-money", `${hgh}/money`], ["buyer-account", `${hgh}/account`]]);

  const officer = await entered(browser, hgh, "officer", true);
  const held = await first(officer, `${hgh}/officer`, "tbody a.code");
  await add("officer", officer, [
    ["queue", `${hgh}/officer`], ["held", held], ["officer-trades", `${hgh}/trades`],
    ["officer-trade", held.replace("/officer/", "/trades/")],
  ]);
  const exporting = await entered(browser, kul, "officer", true);
  const draft = encodeURIComponent('[[charge]]\nid = "my.lvg"\nrate = "8"\n');
  await add("export-officer", exporting, [
    ["export-queue", `${kul}/officer`], ["replay", `${kul}/replay`],
    ["replay-ran", `${kul}/replay?territory=MY&source=sample&trades=5000&draft=${draft}&turn=cheaper@0`],
    ["replay-faulty", `${kul}/replay?territory=MY&draft=${draft.replace("8", "eight")}`],
  ]);

  const operator = await entered(browser, hgh, "operator", true);
  await add("operator", operator, [
    ["operator", `${hgh}/operator`], ["operator-trades", `${hgh}/trades`], ["peers", `${hgh}/peers`],
    ["settlement", `${hgh}/settlement`], ["variance", `${hgh}/variance`], ["operator-trade", held.replace("/officer/", "/trades/")],
    ["operator-payouts", `${hgh}/payouts`], ["operator-advances", `${hgh}/advances`],
  ]);
  const carrier = await entered(browser, hgh, "carrier", true);
  await add("carrier", carrier, [
    ["parcels", `${hgh}/parcels`], ["carrier-trades", `${hgh}/trades`],
    ["carrier-trade", held.replace("/officer/", "/trades/")], ["carrier-manifests", `${hgh}/manifests`],
  ]);
  const warehouse = await entered(browser, kul, "warehouse", true);
  await add("warehouse", warehouse, [
    ["warehouse", `${kul}/warehouse`], ["warehouse-scan", `${kul}/warehouse/scan`], ["warehouse-stock", `${kul}/warehouse/stock`],
    ["warehouse-stock-none", `${kul}/warehouse/stock?sku=NO-SUCH`], ["bags", `${kul}/bags`], ["manifests", `${kul}/manifests`],
  ]);
  const agency = await entered(browser, kul, "agency", true);
  const permit = await first(agency, `${kul}/agency`, "tbody a[href^='/permits/']");
  await add("agency", agency, [["agency", `${kul}/agency`], ["permit", permit]]);
  const broker = await entered(browser, kul, "broker", true);
  await add("broker", broker, [["clients", `${kul}/clients`], ["broker-mandates", `${kul}/mandates`]]);
  const bank = await entered(browser, hgh, "bank", true);
  await add("bank", bank, [["payouts", `${hgh}/payouts`], ["bank", `${hgh}/bank`]]);
  const lender = await entered(browser, kul, "lender", true);
  await add("lender", lender, [["advances", `${kul}/advances`]]);
  return groups;
}

export function list(name) {
  return { name, mimeType: XLSX, buffer: readFileSync(join(ROOT, "samples", name)) };
}

/** A window in which somebody is signed in: a party by name, the first of its role, or somebody new. */
export async function entered(browser, hub, role, party = false) {
  const page = await open(browser);
  await enter(page, hub, role, party);
  return page;
}

/** The address behind the first such link of a page. */
async function first(page, url, link) {
  await page.goto(url);
  return new URL(await page.locator(link).first().getAttribute("href"), url).href;
}
