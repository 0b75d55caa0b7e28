// What people do on the pages, and how long they wait for the other side of the border.
import { must, press } from "./browser.mjs";

// The hubs tell each other what happened about twice a second.
const ACROSS_MS = 20_000;

/** The name of a trade in an address, as both hubs write it. */
export function order(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

export async function stageWord(page) {
  return (await page.locator(".head > .state").first().innerText()).trim();
}

/** Opens a trade and waits until it stands where it should. */
export async function stage(page, key, url, or = []) {
  await page.goto(url);
  const wanted = [key, ...or].map((k) => page.w(k));
  const late = Date.now() + ACROSS_MS;
  for (let now = await stageWord(page).catch(() => ""); !wanted.includes(now); now = await stageWord(page).catch(() => "")) {
    must(Date.now() < late, `the trade stands at “${now}”, not at “${wanted[0]}”`);
    await page.waitForTimeout(250);
    await page.goto(url);
  }
  // Asked for before it came over the road: not there yet is not a fault.
  page.faults.splice(0, page.faults.length, ...page.faults.filter((f) => !f.includes("404")));
}

export async function until(page, holds) {
  const late = Date.now() + ACROSS_MS;
  while (!(await holds().catch(() => false))) {
    must(Date.now() < late, `it did not come: ${(await page.locator("main").innerText()).slice(0, 400)}`);
    await page.waitForTimeout(250);
    await page.reload();
  }
}

export async function release(page, hub, path, reason) {
  await page.goto(hub + path.replace("/trades/", "/officer/"));
  await page.locator("#reason").fill(reason);
  await page.getByRole("button", { name: page.w("clearance-release") }).click();
  await page.waitForURL(/\/officer$/);
}

export async function scan(page, hub, step, place, number) {
  await page.goto(`${hub}/parcels`);
  await page.getByLabel(page.w("custody-step"), { exact: true }).selectOption(step);
  await page.getByLabel(page.w("custody-place"), { exact: true }).fill(place);
  await page.getByLabel(page.w("custody-number")).fill(number);
  await page.keyboard.press("Enter");
  await page.locator("[role=alert], [role=status]").first().waitFor();
}

export async function waybill(page, hub, path) {
  await page.goto(`${hub}${path}/waybill`);
  const field = page.locator("#no");
  return (await field.count()) ? field.inputValue() : page.locator("main dd.code").first().innerText();
}

/** Goes on with Tab alone until the field or link with this name is reached, in the card that says `within`. */
export async function tabTo(page, name, within = "") {
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press("Tab");
    const [at, card] = await page.evaluate(() => {
      const e = document.activeElement;
      const named = [...(e.labels ?? [])].map((l) => l.textContent).join(" ").trim() || e.textContent.trim();
      return [named, e.closest("section")?.textContent ?? ""];
    });
    if (at === name && card.includes(within)) {
      const seen = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none");
      must(seen, `it is not seen that “${name}” has the focus`);
      return;
    }
  }
  throw new Error(`Tab does not reach “${name}”`);
}

/** A fresh number of a tracked parcel with its check digit (UPU S10). */
export function s10(from = "MY") {
  const serial = String(Math.floor(Math.random() * 1e8)).padStart(8, "0");
  const sum = [8, 6, 4, 2, 3, 5, 9, 7].reduce((s, weight, i) => s + weight * Number(serial[i]), 0);
  const digit = 11 - (sum % 11);
  return `CP${serial}${digit === 10 ? 0 : digit === 11 ? 5 : digit}${from}`;
}

/** Scans until it is taken: what it waits for may still be on the road. */
export async function scanned(carrier, hub, step, place, number) {
  await until(carrier, async () => {
    await scan(carrier, hub, step, place, number);
    return carrier.locator("[role=status]").isVisible();
  });
}

/** Buys one of a shop's goods and pays; answers the path of the trade. */
export async function buy(buyer, hub, shop, goods) {
  await buyer.goto(`${hub}/offers?q=${encodeURIComponent(goods)}`);
  await buyer.locator(".tiles section", { hasText: shop }).getByRole("link", { name: goods }).first().click();
  await press(buyer, "offer-ask-go");
  await buyer.getByRole("button", { name: buyer.w("quote-order") }).click();
  const path = new URL(buyer.url()).pathname;
  await press(buyer, "order-pay");
  await buyer.getByRole("button", { name: buyer.w("payment-pay") }).click();
  await stage(buyer, "stage-in-escrow", hub + path);
  return path;
}

/** The seller registers a waybill and declares; what chance takes out of the green channel is let go. */
export async function declare(seller, officer, hub, path) {
  await stage(seller, "stage-in-escrow", hub + path);
  await press(seller, "waybill-new");
  await seller.locator("#no").fill(s10());
  await seller.keyboard.press("Enter");
  await seller.waitForURL((url) => !url.pathname.endsWith("/waybill"));
  await press(seller, "declaration-new");
  await press(seller, "declaration-lodge");
  await seller.waitForURL((url) => !url.pathname.endsWith("/export-declaration"));
  if ((await stageWord(seller)) === seller.w("stage-export-held")) await release(officer, hub, path, "seen");
  return waybill(seller, hub, path);
}

/** Types into the field with this name, reached by Tab alone. */
export async function type(page, name, text) {
  await tabTo(page, name);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

/** Presses the button or link with this name, reached by Tab alone, and waits for the page that follows. */
export async function hit(page, name, within = "") {
  await tabTo(page, name, within);
  const loaded = page.waitForEvent("load").catch(() => { throw new Error(`nothing follows “${name}” at ${page.url()}`); });
  await Promise.all([loaded, page.keyboard.press("Enter")]);
}
