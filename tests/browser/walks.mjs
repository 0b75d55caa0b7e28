// A stranger's walk in one language: somebody nobody knows signs up with a firm, brings its own price
// list, gets its first order from a buyer who signed up across the border, and is paid. Nobody of the
// sandbox's cast acts by itself: every page that the trade passes is opened by a person, in that
// language, the officer's, the carriers' and the bank's too.
import { execFileSync } from "node:child_process";
import { order, release, s10, scanned, stage, stageWord, until, waybill } from "./acts.mjs";
import { enter, must, noFaults, open, press } from "./browser.mjs";

/** From which hub to which, with where the carriers scan and how the seller's money is written. */
const OUT = { from: "kul", to: "hgh", places: ["MYKUL", "CNHGH"], country: "MY", money: /RM\s?\d/ };
const HOME = { from: "hgh", to: "kul", places: ["CNHGH", "MYKUL"], country: "CN", money: /[¥￥]\s?\d/ };

/** A list as such a firm keeps it. The plain goods pass import customs by themselves, the others are looked at. */
const MALAYSIAN = [["KOPI-01", "2101.12", "MY", "0.62", "", "24.90"], ["BEDAK-2", "3304.91", "MY", "0.14", "12 g", "32.00"]];
export const WALKS = {
  en: {
    ...OUT, lang: "en", rows: MALAYSIAN, firm: "Walk Trading", buyer: "Lim Wei Ling",
    plain: "Ipoh white coffee", looked: "Rice face powder",
    header: ["SKU", "Product", "Description for customs", "HS code", "Origin", "Weight (kg)", "Net content", "Price (RM)"],
    says: ["Instant white coffee mix, 15 sachets", "Compact face powder of rice starch"],
    reason: "Contents and label agree.",
  },
  ms: {
    ...OUT, lang: "ms", rows: MALAYSIAN, firm: "Jejak Niaga", buyer: "Siti Aminah",
    plain: "Kopi putih Ipoh", looked: "Bedak beras muka",
    header: ["Kod", "Nama produk", "Keterangan", "Kod HS", "Negara asal", "Berat (kg)", "Kandungan bersih", "Harga (RM)"],
    says: ["Minuman kopi putih segera, 15 paket", "Bedak muka padat daripada kanji beras"],
    reason: "Kandungan dan label sepadan.",
  },
  "zh-CN": {
    ...OUT, lang: "zh-CN", rows: MALAYSIAN, firm: "行迹贸易", holder: "Xingji Trading", buyer: "李小明",
    plain: "怡保白咖啡", looked: "大米蜜粉饼",
    header: ["货号", "品名", "申报品名", "海关编码", "原产地", "毛重(kg)", "净含量", "单价(RM)"],
    says: ["速溶白咖啡饮料，15包", "大米淀粉制压缩蜜粉饼"],
    reason: "实物与标签相符。",
  },
  // As a Chinese office program saves it.
  "zh-CN, from Hangzhou": {
    ...HOME, lang: "zh-CN", encoding: "GB18030", firm: "西溪行迹商贸有限公司", buyer: "陈美玲",
    plain: "真丝方巾", looked: "蓝牙耳机",
    rows: [["SJ-01", "6214.10", "CN", "0.15", "", "88.00"], ["EJ-02", "8518.30", "CN", "0.22", "", "129.00"]],
    header: ["货号", "商品名称", "报关品名", "商品编码", "原产国", "毛重(千克)", "净含量", "单价(元)"],
    says: ["桑蚕丝制女式方巾", "无线蓝牙耳机，锂电池内置"],
    reason: "实物与标签相符。",
  },
};

const PASSWORD = "a sentence that only I know";

export async function walk(browser, hubs, which, { onStep = async () => {} } = {}) {
  const list = WALKS[which];
  const { lang, places: [leaves, comes] } = list;
  const [exporter, importer] = [hubs[list.from], hubs[list.to]];
  const once = `${list.from}-${lang}-${Date.now()}`;
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
  await signUp(seller, exporter, "seller", firm, `seller-${once}`);
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
  await signUp(buyer, importer, "buyer", { name: list.buyer, id_number: identity(list.to), phone: "10000000000", address: "1 Sample Road" }, `buyer-${once}`);
  await buyer.waitForURL(/\/offers$/);
  await step(buyer, "buyer-signed-up");
  const orders = {};
  for (const name of ["plain", "looked"]) {
    await until(buyer, async () => {
      await buyer.goto(`${importer}/offers?q=${encodeURIComponent(list[name])}`);
      return await buyer.locator(".tiles section", { hasText: once }).count() > 0;
    });
    await buyer.locator(".tiles section", { hasText: once }).getByRole("link", { name: list[name] }).first().click();
    await press(buyer, "offer-ask-go");
    await step(buyer, `buyer-quote-${name}`);
    await buyer.getByRole("button", { name: buyer.w("quote-order") }).click();
    orders[name] = new URL(buyer.url()).pathname;
    await press(buyer, "order-pay");
    await buyer.getByRole("button", { name: buyer.w("payment-pay") }).click();
    await stage(buyer, "stage-in-escrow", importer + orders[name]);
    await step(buyer, `buyer-paid-${name}`);
  }

  const exportOfficer = await window();
  await enter(exportOfficer, exporter, "officer", true);
  for (const name of ["plain", "looked"]) {
    await stage(seller, "stage-in-escrow", exporter + orders[name]);
    await press(seller, "waybill-new");
    await seller.locator("#no").fill(s10(list.country));
    await seller.keyboard.press("Enter");
    await seller.waitForURL((url) => !url.pathname.endsWith("/waybill"));
    await press(seller, "declaration-new");
    await step(seller, `seller-declares-${name}`);
    await press(seller, "declaration-lodge");
    await seller.waitForURL((url) => !url.pathname.endsWith("/export-declaration"));
    if ((await stageWord(seller)) === seller.w("stage-export-held")) await release(exportOfficer, exporter, orders[name], list.reason);
  }

  const officer = await window();
  await enter(officer, importer, "officer", true);
  await stage(buyer, "stage-import-held", importer + orders.looked);
  await officer.goto(`${importer}/officer`);
  await step(officer, "officer-queue");
  await officer.locator(`a[href$="${order(orders.looked)}"]`).first().click();
  await step(officer, "officer-looks");
  await release(officer, importer, orders.looked, list.reason);
  await stage(buyer, "stage-import-released", importer + orders.looked);
  // Chance may have taken the plain goods out of the green channel as well.
  await stage(buyer, "stage-import-released", importer + orders.plain, ["stage-import-held"]);
  if ((await stageWord(buyer)) === buyer.w("stage-import-held")) await release(officer, importer, orders.plain, list.reason);

  const [hands, brings] = [await window(), await window()];
  await enter(hands, exporter, "carrier", true);
  await enter(brings, importer, "carrier", true);
  for (const name of ["plain", "looked"]) {
    const number = await waybill(seller, exporter, orders[name]);
    for (const [carrier, hub, kind, place] of [[hands, exporter, "handed-over", leaves], [hands, exporter, "departed", leaves],
      [brings, importer, "arrived", comes], [brings, importer, "out-for-delivery", comes], [brings, importer, "delivered", comes]]) {
      await scanned(carrier, hub, kind, place, number);
    }
  }
  await step(brings, "carrier-delivered");

  for (const name of ["plain", "looked"]) {
    await stage(buyer, "stage-delivered", importer + orders[name]);
    await press(buyer, "escrow-accept");
    await stage(buyer, "stage-settled", importer + orders[name], ["stage-paid"]);
  }
  await step(buyer, "buyer-accepted");

  const bank = await window();
  await enter(bank, exporter, "bank", true);
  for (const name of ["plain", "looked"]) {
    // Another walk's payouts may have gone into its own file, and this one's with them.
    await until(seller, async () => {
      for (const key of ["payouts-make", "payouts-execute"]) {
        await bank.goto(`${exporter}/payouts`);
        const button = bank.getByRole("button", { name: bank.w(key), exact: true }).first();
        if (await button.count()) await Promise.all([bank.waitForEvent("load"), button.click()]);
      }
      await seller.goto(exporter + orders[name]);
      return (await stageWord(seller)) === seller.w("stage-paid");
    });
  }
  await step(bank, "bank-paid-out");
  await seller.goto(`${exporter}/money`);
  must(list.money.test(await seller.locator("main").innerText()), "the seller's money is not shown");
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

function table({ header, says, plain, looked, rows, encoding }) {
  const named = rows.map(([sku, ...rest], n) => [sku, [plain, looked][n], says[n], ...rest]);
  const text = [header, ...named].map((row) => row.map((cell) => `"${cell}"`).join(",")).join("\n");
  const buffer = encoding
    ? execFileSync("iconv", ["-f", "UTF-8", "-t", encoding], { input: `${text}\n` })
    : Buffer.from(`\ufeff${text}\n`);
  return { name: "list.csv", mimeType: "text/csv", buffer };
}

/** An identity number: a Malaysian one, or a Chinese one of a region that does not exist, with its check character (GB 11643). */
function identity(hub) {
  const serial = String(Math.floor(Math.random() * 1000)).padStart(3, "0");
  if (hub === "kul") return `900101000${serial}`;
  const body = `99999919900101${serial}`;
  const sum = [...body].reduce((s, digit, i) => s + Number(digit) * (2 ** (17 - i) % 11), 0);
  return body + "10X98765432"[sum % 11];
}
