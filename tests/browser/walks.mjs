// A stranger's walk in one language: somebody nobody knows signs up with a firm, brings its own price
// list, gets its first order from a buyer who signed up across the border, and is paid. Nobody of the
// sandbox's cast acts by itself: every page that the trade passes is opened by a person, in that
// language, the officer's, the carriers' and the bank's too.
import { order, release, s10, scan, stage, stageWord, until, waybill } from "./acts.mjs";
import { enter, must, noFaults, open, press } from "./browser.mjs";

/** A list as such a firm keeps it. Powder is looked at by import customs, coffee passes by itself. */
const LISTS = {
  en: {
    firm: "Walk Trading", buyer: "Lim Wei Ling", coffee: "Ipoh white coffee", powder: "Rice face powder",
    header: ["SKU", "Product", "Description for customs", "HS code", "Origin", "Weight (kg)", "Net content", "Price (RM)"],
    says: ["Instant white coffee mix, 15 sachets", "Compact face powder of rice starch"],
    reason: "Contents and label agree.",
  },
  ms: {
    firm: "Jejak Niaga", buyer: "Siti Aminah", coffee: "Kopi putih Ipoh", powder: "Bedak beras muka",
    header: ["Kod", "Nama produk", "Keterangan", "Kod HS", "Negara asal", "Berat (kg)", "Kandungan bersih", "Harga (RM)"],
    says: ["Minuman kopi putih segera, 15 paket", "Bedak muka padat daripada kanji beras"],
    reason: "Kandungan dan label sepadan.",
  },
  "zh-CN": {
    firm: "行迹贸易", holder: "Xingji Trading", buyer: "李小明", coffee: "怡保白咖啡", powder: "大米蜜粉饼",
    header: ["货号", "品名", "申报品名", "海关编码", "原产地", "毛重(kg)", "净含量", "单价(RM)"],
    says: ["速溶白咖啡饮料，15包", "大米淀粉制压缩蜜粉饼"],
    reason: "实物与标签相符。",
  },
};

const PASSWORD = "a sentence that only I know";

export async function walk(browser, hubs, lang, { onStep = async () => {} } = {}) {
  const { kul, hgh } = hubs;
  const list = LISTS[lang];
  const once = `${lang}-${Date.now()}`;
  const windows = [];
  const window = async () => {
    const page = await open(browser, { lang });
    windows.push(page);
    return page;
  };
  const step = async (page, name) => {
    must(await page.locator("html").getAttribute("lang") === lang, `${page.url()} is not in ${lang}`);
    await onStep(page, name);
  };

  const seller = await window();
  const firm = { name: `${list.firm} ${once}`, payout_account: "SANDBOX-7788" };
  await signUp(seller, kul, "seller", firm, `seller-${once}`);
  if (list.holder) {
    // A bank in Malaysia cannot read a Chinese name: it is said at once, and nothing that was typed is lost.
    await seller.getByText(seller.w("problem-holder-letters")).waitFor();
    must(await seller.locator("#payout_account").inputValue() === firm.payout_account, "what was typed is lost");
    await step(seller, "seller-named-unreadably");
    await seller.locator("#account_holder").fill(list.holder);
    await seller.locator("#password").fill(PASSWORD);
    await seller.locator("form[action='/sign-up'] button").click();
  }
  await seller.waitForURL(/\/start$/);
  await step(seller, "seller-signed-up");
  await seller.locator("input[type=file]").setInputFiles(table(list));
  await press(seller, "product-upload");
  await until(seller, async () => await seller.getByRole("button", { name: seller.w("product-ask"), exact: true }).count() > 0);
  await press(seller, "product-ask");
  await until(seller, async () => await seller.locator("input[name=product]").count() > 0);
  await step(seller, "seller-has-prices");

  const buyer = await window();
  await signUp(buyer, hgh, "buyer", { name: list.buyer, id_number: identity(), phone: "10000000000", address: "1 Sample Road" }, `buyer-${once}`);
  await buyer.waitForURL(/\/offers$/);
  await step(buyer, "buyer-signed-up");
  const orders = {};
  for (const name of ["coffee", "powder"]) {
    await until(buyer, async () => {
      await buyer.goto(`${hgh}/offers?q=${encodeURIComponent(list[name])}`);
      return await buyer.locator(".tiles section", { hasText: once }).count() > 0;
    });
    await buyer.locator(".tiles section", { hasText: once }).getByRole("link", { name: list[name] }).first().click();
    await press(buyer, "offer-ask-go");
    await step(buyer, `buyer-quote-${name}`);
    await buyer.getByRole("button", { name: buyer.w("quote-order") }).click();
    orders[name] = new URL(buyer.url()).pathname;
    await press(buyer, "order-pay");
    await buyer.getByRole("button", { name: buyer.w("payment-pay") }).click();
    await stage(buyer, "stage-in-escrow", hgh + orders[name]);
    await step(buyer, `buyer-paid-${name}`);
  }

  const exportOfficer = await window();
  await enter(exportOfficer, kul, "officer", true);
  for (const name of ["coffee", "powder"]) {
    await stage(seller, "stage-in-escrow", kul + orders[name]);
    await press(seller, "waybill-new");
    await seller.locator("#no").fill(s10());
    await seller.keyboard.press("Enter");
    await seller.waitForURL((url) => !url.pathname.endsWith("/waybill"));
    await press(seller, "declaration-new");
    await step(seller, `seller-declares-${name}`);
    await press(seller, "declaration-lodge");
    await seller.waitForURL((url) => !url.pathname.endsWith("/export-declaration"));
    if ((await stageWord(seller)) === seller.w("stage-export-held")) await release(exportOfficer, kul, orders[name], list.reason);
  }

  const officer = await window();
  await enter(officer, hgh, "officer", true);
  await stage(buyer, "stage-import-held", hgh + orders.powder);
  await officer.goto(`${hgh}/officer`);
  await step(officer, "officer-queue");
  await officer.locator(`a[href$="${order(orders.powder)}"]`).first().click();
  await step(officer, "officer-looks");
  await release(officer, hgh, orders.powder, list.reason);
  await stage(buyer, "stage-import-released", hgh + orders.powder);
  // Chance may have taken the coffee out of the green channel as well.
  await stage(buyer, "stage-import-released", hgh + orders.coffee, ["stage-import-held"]);
  if ((await stageWord(buyer)) === buyer.w("stage-import-held")) await release(officer, hgh, orders.coffee, list.reason);

  const [hands, brings] = [await window(), await window()];
  await enter(hands, kul, "carrier", true);
  await enter(brings, hgh, "carrier", true);
  for (const name of ["coffee", "powder"]) {
    const number = await waybill(seller, kul, orders[name]);
    for (const [carrier, hub, kind, place] of [[hands, kul, "handed-over", "MYKUL"], [hands, kul, "departed", "MYKUL"],
      [brings, hgh, "arrived", "CNHGH"], [brings, hgh, "out-for-delivery", "CNHGH"], [brings, hgh, "delivered", "CNHGH"]]) {
      await until(carrier, async () => {
        await scan(carrier, hub, kind, place, number);
        return carrier.locator("[role=status]").isVisible();
      });
    }
  }
  await step(brings, "carrier-delivered");

  for (const name of ["coffee", "powder"]) {
    await stage(buyer, "stage-delivered", hgh + orders[name]);
    await press(buyer, "escrow-accept");
    await stage(buyer, "stage-settled", hgh + orders[name], ["stage-paid"]);
  }
  await step(buyer, "buyer-accepted");

  const bank = await window();
  await enter(bank, kul, "bank", true);
  for (const name of ["coffee", "powder"]) {
    // Another walk's payouts may have gone into its own file, and this one's with them.
    await until(seller, async () => {
      for (const key of ["payouts-make", "payouts-execute"]) {
        await bank.goto(`${kul}/payouts`);
        const button = bank.getByRole("button", { name: bank.w(key), exact: true }).first();
        if (await button.count()) await Promise.all([bank.waitForEvent("load"), button.click()]);
      }
      await seller.goto(kul + orders[name]);
      return (await stageWord(seller)) === seller.w("stage-paid");
    });
  }
  await step(bank, "bank-paid-out");
  await seller.goto(`${kul}/money`);
  must(/RM\s?\d/.test(await seller.locator("main").innerText()), "the seller's money is not shown");
  await step(seller, "seller-paid");

  // Waiting for what had not come over the road yet, and for another walk at the same desk, is no fault.
  for (const page of windows) {
    page.faults.splice(0, page.faults.length, ...page.faults.filter((f) => !/404|409|422/.test(f)));
    noFaults(page);
  }
  await Promise.all(windows.map((page) => page.context().close()));
}

async function signUp(page, hub, role, fields, account) {
  await page.goto(`${hub}/sign-up?role=${role}`);
  for (const [name, value] of Object.entries(fields)) await page.locator(`#${name}`).fill(value);
  await page.locator("#email").fill(`${account}@example.com`);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("form[action='/sign-up'] button").click();
}

function table({ header, says, coffee, powder }) {
  const rows = [
    ["KOPI-01", coffee, says[0], "2101.12", "MY", "0.62", "", "24.90"],
    ["BEDAK-2", powder, says[1], "3304.91", "MY", "0.14", "12 g", "32.00"],
  ];
  const text = [header, ...rows].map((row) => row.map((cell) => `"${cell}"`).join(",")).join("\n");
  return { name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(`\ufeff${text}\n`) };
}

/** A Chinese identity number of a region that does not exist, with its check character (GB 11643). */
function identity() {
  const body = `99999919900101${String(Math.floor(Math.random() * 1000)).padStart(3, "0")}`;
  const sum = [...body].reduce((s, digit, i) => s + Number(digit) * (2 ** (17 - i) % 11), 0);
  return body + "10X98765432"[sum % 11];
}
