// The first hour of a seller, fully by clicks: from the front page and a price list with faults to a
// paid practice order. Everybody else in it is played by the sandboxes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { enter, must, noFaults, open, press } from "./browser.mjs";
import { ROOT } from "./hubs.mjs";

// The practice trade passes two hubs, two customs and a bank, each of which looks about twice a second.
const PAID_WITHIN_MS = 90_000;

const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const GOODS = [
  ["KOPI-01", "2101.12", "MY", "0.62", "24.90"],
  ["BISK-02", "1905.31", "MY", "0.40", "10.80"],
  ["SABUN-3", "3401.11", "MY", "0.12", "9.90"],
];

/** A list as a firm keeps it, in English as a workbook, in the other languages as a text table. */
const LISTS = {
  en: { broken: sample("price-list-broken.xlsx"), mended: sample("price-list.xlsx"), failed: 6 },
  ms: {
    broken: table("senarai.csv", ["Kod", "Nama produk", "Keterangan", "Kod HS", "Negara asal", "Berat (kg)", "Harga (RM)"], [
      ["Kopi putih", "Minuman kopi putih segera, 15 paket"], ["Biskut sagu", "Biskut manis tepung sagu"],
      ["Sabun kunyit", "Sabun mandi kunyit, berbentuk buku"]], true),
    mended: table("senarai.csv", ["Kod", "Nama produk", "Keterangan", "Kod HS", "Negara asal", "Berat (kg)", "Harga (RM)"], [
      ["Kopi putih", "Minuman kopi putih segera, 15 paket"], ["Biskut sagu", "Biskut manis tepung sagu"],
      ["Sabun kunyit", "Sabun mandi kunyit, berbentuk buku"]], false),
    failed: 2,
  },
  "zh-CN": {
    broken: table("价目表.csv", ["货号", "品名", "申报品名", "海关编码", "原产地", "毛重(kg)", "单价(RM)"], [
      ["白咖啡", "速溶白咖啡饮料，15包"], ["西米饼干", "西米粉制甜饼干"], ["姜黄皂", "姜黄香皂，条状"]], true),
    mended: table("价目表.csv", ["货号", "品名", "申报品名", "海关编码", "原产地", "毛重(kg)", "单价(RM)"], [
      ["白咖啡", "速溶白咖啡饮料，15包"], ["西米饼干", "西米粉制甜饼干"], ["姜黄皂", "姜黄香皂，条状"]], false),
    failed: 2,
  },
};

function sample(name) {
  return { name, mimeType: XLSX, buffer: readFileSync(join(ROOT, "samples", name)) };
}

function table(name, header, names, broken) {
  const rows = GOODS.map(([sku, hs, origin, weight, price], i) => {
    // A unit where a number is asked for, and a price to a tenth of a sen.
    if (broken && i === 1) weight = "0,4 kgs";
    if (broken && i === 2) price = "9.905";
    return [sku, ...names[i], hs, origin, weight, price].map((cell) => `"${cell}"`).join(",");
  });
  return { name, mimeType: "text/csv", buffer: Buffer.from(`\ufeff${header.join(",")}\n${rows.join("\n")}\n`) };
}

/** The whole hour in one language; answers how many things were asked of the person. */
export async function firstHour(browser, hubs, lang, { scripts = true, onStep = async () => {} } = {}) {
  const page = await open(browser, { lang, scripts });
  const list = LISTS[lang];
  const step = async (key) => {
    await next(page, key);
    await onStep(page, key);
    if (scripts) noFaults(page);
  };

  await page.goto(hubs.kul);
  must(await page.locator("html").getAttribute("lang") === lang, `the front page is not in ${lang}`);
  await press(page, "front-try-go");
  await step("start-next-upload");

  await upload(page, list.broken);
  await step("start-next-mend");
  const faults = await page.locator("table tbody tr").count();
  must(faults >= Math.min(list.failed, 6), `${faults} faults are shown, expected ${list.failed}`);
  const failed = await fetched(page, page.w("product-failed-file"));
  must(failed.subarray(0, 2).toString() === "PK", "the file of failed rows is not a workbook");

  await upload(page, list.mended);
  await step("start-next-ask-prices");
  await press(page, "product-ask");
  await next(page, "start-next-order", ["start-next-wait-prices"]);
  await onStep(page, "start-next-order");
  must(await page.locator("input[name=product]").count() > 0, "no product to choose");
  await press(page, "start-practice");
  await next(page, "start-next-hand-over", ["start-next-wait-order", "start-next-wait-payment"]);
  await onStep(page, "start-next-hand-over");
  await press(page, "start-hand-over");
  await step("start-next-declare");
  await press(page, "start-declare");
  await next(page, "start-next-paid", ["start-next-underway", "start-next-held"], PAID_WITHIN_MS);
  await onStep(page, "start-next-paid");
  must(/RM\s?\d+\.\d\d/.test(await page.locator(".next .fig").innerText()), "the amount paid is not shown");
  must(await page.locator("ol.line li:not(.done)").count() === 0, "something is left to happen");
  if (scripts) noFaults(page);
  return page;
}

/** Waits for the one next step that the page shows. There may be one only. */
async function next(page, key, before = [], within = 30_000) {
  const shown = page.locator("#now .next b").first();
  const wanted = page.w(key);
  const until = Date.now() + within;
  for (;;) {
    const text = (await shown.innerText()).trim();
    if (text === wanted) break;
    const waits = before.map((k) => page.w(k));
    must(Date.now() < until, `waited for “${wanted}”, the page says “${text}”`);
    must(waits.length === 0 || waits.includes(text) || !text, `waited for “${wanted}”, the page says “${text}”`);
    await page.waitForTimeout(150);
  }
  must(await page.locator(".next").count() === 1, "there is not exactly one next step");
  must(await page.locator("[aria-current=step]").count() <= 1, "more than one step is marked as the present one");
}

async function upload(page, file) {
  await page.locator("input[type=file]").setInputFiles(file);
  await press(page, "product-upload");
}

async function fetched(page, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name }).first().click()]);
  return readFileSync(await download.path());
}
