// What happens when a sale does not go as hoped: one buyer cancels, gives one parcel back by keyboard
// alone, and disputes another. Everybody's step is taken on its page. Answers the addresses of the pages.
import { buy, declare, release, s10, scanned, stage, stageWord, tabTo, until } from "./acts.mjs";
import { enter, must, noFaults, open, press } from "./browser.mjs";
import { check } from "./report.mjs";

const SHOP = "Seri Warisan Trading";
const GOODS = "Kelulut honey 250 ml";
/** The smallest picture that is one. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

export async function claims(browser, hubs) {
  const { kul, hgh } = hubs;
  const windows = {};
  const sit = async (name, hub, role, party) => {
    windows[name] = await open(browser);
    await enter(windows[name], hub, role, party);
  };
  await Promise.all([
    sit("buyer", hgh, "buyer"), sit("seller", kul, "seller", SHOP), sit("officer", hgh, "officer", true),
    sit("exportOfficer", kul, "officer", true), sit("hands", kul, "carrier", true), sit("brings", hgh, "carrier", true),
    sit("operator", hgh, "operator", true),
  ]);
  const { buyer, seller, officer, exportOfficer, hands, brings, operator } = windows;

  const bought = () => buy(buyer, hgh, SHOP, GOODS);
  const deliver = async (path) => {
    const number = await declare(seller, exportOfficer, kul, path);
    await stage(buyer, "stage-import-released", hgh + path, ["stage-import-held"]);
    if ((await stageWord(buyer)) === buyer.w("stage-import-held")) await release(officer, hgh, path, "seen");
    for (const [carrier, hub, step, place] of [[hands, kul, "handed-over", "MYKUL"], [hands, kul, "departed", "MYKUL"],
      [brings, hgh, "arrived", "CNHGH"], [brings, hgh, "out-for-delivery", "CNHGH"], [brings, hgh, "delivered", "CNHGH"]]) {
      await scanned(carrier, hub, step, place, number);
    }
    await stage(buyer, "stage-delivered", hgh + path);
    return number;
  };

  await check("buyer: calls an order off before the parcel is handed over, and has the money back", async () => {
    const path = await bought();
    await press(buyer, "return-title-cancel");
    await press(buyer, "return-cancel");
    await stage(buyer, "stage-cancelled", hgh + path);
    await stage(seller, "stage-cancelled", kul + path);
  });

  let returned = "";
  await check("buyer: asks for a return by keyboard alone; a claim of a fault without evidence is refused", async () => {
    returned = await bought();
    await deliver(returned);
    await tabTo(buyer, buyer.w("return-title"));
    await buyer.keyboard.press("Enter");
    await buyer.waitForURL(/\/return$/);
    await tabTo(buyer, buyer.w("return-reason"));
    await buyer.keyboard.type(buyer.w("return-reason-damaged"));
    await tabTo(buyer, buyer.w("return-ask"));
    await buyer.keyboard.press("Enter");
    await buyer.locator("[role=alert]").waitFor();
    must(await buyer.locator("#reason").inputValue() === "damaged", "the chosen reason is lost");
    await tabTo(buyer, buyer.w("evidence-statement-label"));
    await buyer.keyboard.type("The jar came broken.");
    await tabTo(buyer, buyer.w("return-ask"));
    await buyer.keyboard.press("Enter");
    await until(buyer, async () => (await stageWord(buyer)) === buyer.w("return-state-asked"));
    buyer.faults.splice(0);
  });

  await check("seller: reads why and agrees; the buyer hands the parcel in", async () => {
    await stage(seller, "stage-returning", kul + returned);
    await seller.goto(`${kul}${returned}/return`);
    await until(seller, async () => (await seller.locator("main").innerText()).includes("came broken"));
    await press(seller, "return-agree");
    await buyer.goto(`${hgh}${returned}/return`);
    await until(buyer, async () => (await stageWord(buyer)) === buyer.w("return-state-agreed"));
    await buyer.locator("#no").fill(s10("CN"));
    await press(buyer, "return-waybill-save");
    await buyer.getByText(buyer.w("return-waybill"), { exact: true }).waitFor();
  });

  await check("carriers and customs of both sides bring it home; the buyer has everything back", async () => {
    const name = returned.slice(returned.lastIndexOf("/") + 1);
    const number = (await buyer.locator("dl.facts dd", { hasText: /[A-Z]{2}\d{9}CN/ }).innerText()).match(/[A-Z]{2}\d{9}CN/)[0];
    for (const step of ["handed-back", "back-at-customs"]) await scanned(brings, hgh, step, "CNHGH", number);
    await officer.goto(`${hgh}/officer`);
    await officer.locator(`a[href$="${name}/return"]`).first().click();
    must((await officer.locator(".why").first().innerText()).length > 20, "the rule is not shown to the officer");
    await press(officer, "return-grant");
    await until(officer, async () => (await stageWord(officer)) === officer.w("return-state-settled"));
    await scanned(brings, hgh, "sent-home", "CNHGH", number);
    await scanned(hands, kul, "back-home", "MYKUL", number);
    await exportOfficer.goto(`${kul}${returned}/return`);
    await exportOfficer.locator("#said").fill("As it left.");
    await press(exportOfficer, "return-grant");
    await scanned(hands, kul, "back-with-seller", "MYKUL", number);
    await stage(seller, "stage-returned", kul + returned);
    await stage(buyer, "stage-returned", hgh + returned);
  });

  let disputed = "";
  await check("buyer disputes with a picture, seller answers, operator decides, the money is divided", async () => {
    disputed = await bought();
    await deliver(disputed);
    await buyer.goto(`${hgh}${disputed}/dispute`);
    await buyer.locator("#kind").selectOption("not-as-described");
    await buyer.locator("#award").selectOption("part");
    await buyer.locator("#amount").fill("20");
    await buyer.locator("#statement").fill("It is another sort of honey.");
    await buyer.locator("#file").setInputFiles({ name: "jar.png", mimeType: "image/png", buffer: PNG });
    await press(buyer, "dispute-open");
    await buyer.waitForURL(/\/dispute$/);
    await seller.goto(`${kul}${disputed}/dispute`);
    await until(seller, async () => (await seller.locator("main").innerText()).includes("another sort"));
    await seller.locator("#statement").fill("The label says which sort it is.");
    await press(seller, "dispute-answer");
    await operator.goto(`${hgh}${disputed}/dispute`);
    await until(operator, async () => (await stageWord(operator)) === operator.w("dispute-state-answered"));
    await operator.locator("#award").selectOption("part");
    await operator.locator("#amount").fill("15.50");
    await operator.locator("#why").fill("The label is right, the picture of the offer was not.");
    await press(operator, "dispute-decide");
    await stage(buyer, "stage-settled", hgh + disputed, ["stage-paid"]);
    await buyer.goto(`${hgh}${disputed}/dispute`);
    must((await buyer.locator("main").innerText()).includes("15.50"), "the buyer does not read what goes back");
    await until(seller, async () => (await stageWord(seller)) === seller.w("dispute-state-decided"));
  });

  // Waiting for what had not come over the road yet is no fault.
  for (const page of Object.values(windows)) {
    page.faults.splice(0, page.faults.length, ...page.faults.filter((f) => !/404|409|422/.test(f)));
    noFaults(page);
  }
  const cookies = async (page) => (await page.context().cookies()).filter((c) => c.name !== "lang");
  const asking = await bought();
  await deliver(asking);
  const groups = [
    { who: "returning-buyer", cookies: await cookies(buyer), pages: [
      ["returned-trade", hgh + returned], ["return", `${hgh}${returned}/return`], ["dispute", `${hgh}${disputed}/dispute`],
      ["disputed-trade", hgh + disputed], ["return-new", `${hgh}${asking}/return`], ["dispute-new", `${hgh}${asking}/dispute`],
    ] },
    { who: "returning-officer", cookies: await cookies(officer), pages: [["officer-return", `${hgh}${returned}/return`]] },
  ];
  await Promise.all(Object.values(windows).map((page) => page.context().close()));
  return groups;
}
