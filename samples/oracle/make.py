"""Writes the sample trade data: two price lists, the buyers and the scripted orders. Everything is invented.

The same seed gives the same bytes on every machine: draws come from a hash, and the dates inside the
workbooks are fixed. Needs openpyxl; nothing else in this folder does. Run oracle.py afterwards.

    python3 samples/oracle/make.py
"""

import hashlib
import io
import json
import re
import zipfile
from fractions import Fraction

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill

import oracle
from catalogue import BROKEN, NOT_READY, READY

SEED = "seri warisan 2026"
FLAWLESS_TO_WRONG = 9  # nine flawless orders for one with something wrong
BUYERS = 160
UNVERIFIED = ("b158", "b159")
BIG_SPENDERS = ("b151", "b152", "b153")
YEAR_CAP = 20_000_00  # fen: what any other buyer may ask for in all, far below the limit of the year
ORDINARY_CAP = 3_600_00  # fen of goods and freight of an ordinary order
HEADER = ["SKU", "Product", "Description for customs", "HS code", "Origin", "Weight (kg)",
          "L (cm)", "W (cm)", "H (cm)", "Net content", "Price (RM)", "Remarks"]


class Draw:
    """Draws that depend on the seed and on nothing else."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def below(self, limit):
        self.count += 1
        digest = hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % limit

    def one(self, choices):
        return choices[self.below(len(choices))]

    def percent(self, share):
        return self.below(100) < share

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


# --- workbooks ----------------------------------------------------------------------------------

def workbook(title, updated, rows, path):
    book = Workbook()
    sheet = book.active
    sheet.title = "Price list"
    sheet.append([title])
    sheet.append([updated])
    sheet.append(HEADER)
    for row in rows:
        sheet.append([value if value != "" else None for value in row])
    sheet["A1"].font = Font(bold=True, size=16)
    for cell in sheet[3]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="F2E6C9")
    sheet.freeze_panes = "A4"
    for letter, width in zip("ABCDEFGHIJKL", (11, 26, 52, 12, 10, 11, 8, 8, 8, 12, 11, 24)):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=4):
        row[3].number_format = "@" if isinstance(row[3].value, str) else "General"
        row[10].number_format = "#,##0.00"
    book.properties.creator = "Seri Warisan Trading"
    raw = io.BytesIO()
    book.save(raw)
    settle(raw, path)


def settle(raw, path):
    """Packs the workbook again with fixed dates, so that it does not change when nothing did, and with
    numbers as they were typed: 74.68, not 74.68000000000001."""
    with zipfile.ZipFile(raw) as read, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as write:
        for name in sorted(read.namelist()):
            data = read.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-11-18T02:00:00Z", data)
            if name.startswith("xl/worksheets/"):
                data = re.sub(rb"<v>(\d+\.\d{9,})</v>", lambda m: b"<v>%.15g</v>" % float(m[1]), data)
            entry = zipfile.ZipInfo(name, (2026, 11, 18, 10, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            write.writestr(entry, data)


def number(text):
    return float(text) if "." in text else int(text) if text else ""


def price_rows():
    """Ready goods and goods that are not, mixed as a firm would have them: sorted by what they are called."""
    for sku, name, description, hs, origin, weight, size, content, price, remark in sorted(
            READY + NOT_READY, key=lambda row: row[0]):
        yield [sku, name, description, hs, origin, number(weight), *(size or ("", "", "")), content,
               float(price) if price else "", remark]


# --- buyers -------------------------------------------------------------------------------------

SURNAMES = [("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"),
            ("赵", "Zhao"), ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"),
            ("胡", "Hu"), ("朱", "Zhu"), ("高", "Gao"), ("林", "Lin")]
CITIES = [("浙江省", "杭州市", "Hangzhou"), ("浙江省", "宁波市", "Ningbo"), ("浙江省", "金华市", "Jinhua"),
          ("江苏省", "南京市", "Nanjing"), ("江苏省", "苏州市", "Suzhou"), ("广东省", "广州市", "Guangzhou"),
          ("广东省", "深圳市", "Shenzhen"), ("福建省", "厦门市", "Xiamen"), ("四川省", "成都市", "Chengdu"),
          ("湖北省", "武汉市", "Wuhan"), ("湖南省", "长沙市", "Changsha"), ("陕西省", "西安市", "Xi'an"),
          ("山东省", "青岛市", "Qingdao"), ("辽宁省", "大连市", "Dalian"), ("云南省", "昆明市", "Kunming"),
          ("河南省", "郑州市", "Zhengzhou")]


def id_number(draw, serial):
    """An identity number of a region that does not exist (999999), with its check digit, never X."""
    while True:
        first = f"999999{1960 + draw.below(45)}{1 + draw.below(12):02d}{1 + draw.below(28):02d}{serial % 1000:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(d) * w for d, w in zip(first, weights)) % 11]
        if check != "X":
            return first + check


def buyers(draw):
    out = []
    for n in range(1, BUYERS + 1):
        surname, latin = SURNAMES[(n - 1) % len(SURNAMES)]
        province, city, city_latin = draw.one(CITIES)
        house, flat = 1 + draw.below(200), 101 + draw.below(30) * 100 % 2900
        out.append({
            "id": f"b{n:03d}",
            "name": f"{surname}测试{n:03d}",
            "name_latin": f"{latin} Ceshi {n:03d}",
            "phone": f"10000000{n:03d}",
            "address": f"{province}{city}示例区测试路{house}号{flat}室",
            "address_latin": f"Room {flat}, {house} Ceshi Road, Shili District, {city_latin}, China",
            "id_type": "1",
            "id_number": id_number(draw, n),
            "verified": f"b{n:03d}" not in UNVERIFIED,
        })
    return out


# --- orders -------------------------------------------------------------------------------------

class Shop:
    """Makes the scripts; knows the goods and what they come to, so that limits are met only on purpose."""

    def __init__(self):
        self.draw = Draw(SEED)
        self.facts = oracle.read_facts()
        self.products = oracle.read_products(facts=self.facts)
        self.ordinary = [row[0] for row in READY if Fraction(row[8]) < 1500]
        self.next = 0

    def cost(self, lines):
        return oracle.quote([(self.products[line["sku"]], line["quantity"]) for line in lines], self.facts)

    def line(self, sku, most=6):
        price = self.products[sku].price
        top = 6 if price <= 30_00 else 3 if price <= 100_00 else 2 if price <= 300_00 else 1
        return {"sku": sku, "quantity": 1 + self.draw.below(min(top, most))}

    def lines(self, wanted=lambda lines: True):
        """One to three ordinary goods; the first goes round all of them, so that each is sold."""
        while True:
            first = self.ordinary[self.next % len(self.ordinary)]
            self.next += 1
            for _ in range(40):
                skus = [first]
                for _ in range(0 if self.draw.percent(58) else 1 if self.draw.percent(70) else 2):
                    other = self.draw.one(self.ordinary)
                    if other not in skus:
                        skus.append(other)
                lines = [self.line(sku) for sku in skus]
                if wanted(lines) and self.cost(lines).taxable <= ORDINARY_CAP:
                    return lines

    def script(self, lines=None, buyer=None, note=""):
        """A flawless order: paid, carried and declared as it should be, in one of the usual ways."""
        draw = self.draw
        return {
            "order_no": None,
            "buyer": buyer,
            "lines": lines or self.lines(),
            "place": "now",
            "payments": [payment("camt.054" if draw.percent(60) else "webhook",
                                 when="before-order" if draw.percent(6) else "after-order")],
            "waybill": {
                "weight_percent": draw.one([100, 100, 100, 100, 98, 102, 104, 95, 107, 92]),
                "consignee": "as-given", "s10": "good", "correction": None,
                "when": "before-payment" if draw.percent(6) else "after-order",
                "times": 2 if draw.percent(4) else 1,
            },
            "export": {"pieces_delta": 0, "value": "as-ordered", "correction": None, "officer": "release"},
            "import": {"officer": "release"},
            "buyer_confirms": not draw.percent(15),
            "note": note,
        }


def payment(by="webhook", **changes):
    return {"no": None, "by": by, "payer": "buyer", "amount": "as-quoted", "currency": "CNY",
            "order_no": "as-given", "times": 1, "when": "after-order"} | changes


def stop_before_payment(order):
    """Nothing comes after the quote or the order was refused."""
    order.update(payments=[], waybill=None, export=None, buyer_confirms=False)
    order["import"] = None
    return order


def stop_before_carriage(order):
    """The seller does not hand over what is not paid."""
    order.update(waybill=None, export=None, buyer_confirms=False)
    order["import"] = None
    return order


def payment_flaws(shop):
    by = ["camt.054", "webhook", "camt.054"]
    wrong = [("amount short", {"amount": "-10.00"}), ("amount over", {"amount": "+1.00"}),
             ("currency USD", {"currency": "USD"}), ("payer other", {"payer": "other"})]
    for note, change in wrong:
        for n in range(3):
            order = stop_before_carriage(shop.script(note=f"payment {note}"))
            when = "before-order" if n == 2 else "after-order"
            order["payments"] = [payment(by[n], when=when, **change)]
            yield order
    for n in range(3):
        order = stop_before_carriage(shop.script(note="payment names an unknown order number"))
        order["payments"] = [payment(by[n], order_no="typo")]
        yield order
    for n in range(2):
        order = shop.script(note="payment names an unknown order number, then a right one")
        order["payments"] = [payment(by[n], order_no="typo"), payment(by[n + 1])]
        yield order
    for n in range(3):
        order = shop.script(note="payment message twice")
        order["payments"] = [payment(by[n], times=2, when="before-order" if n == 2 else "after-order")]
        yield order
    for n in range(3):
        order = shop.script(note="second payment for a paid order")
        order["payments"] = [payment(by[n]), payment(by[2 - n])]
        yield order
    for buyer in UNVERIFIED:
        order = stop_before_carriage(shop.script(buyer=buyer, note="buyer unverified and payer other"))
        order["payments"] = [payment(payer="other")]
        yield order


def waybill_flaws(shop):
    for percent in (135, 135, 70):
        order = shop.script(note=f"waybill weight {percent} %, never corrected")
        order["waybill"].update(weight_percent=percent)
        yield order | {"buyer_confirms": False}
    for percent in (135, 135, 70):
        order = shop.script(note=f"waybill weight {percent} %, then corrected")
        order["waybill"].update(weight_percent=percent, correction={"weight_percent": 100})
        yield order
    for _ in range(3):
        order = shop.script(note="waybill consignee other, never corrected")
        order["waybill"].update(consignee="other")
        yield order | {"buyer_confirms": False}
    for _ in range(3):
        order = shop.script(note="waybill consignee other, then corrected")
        order["waybill"].update(consignee="other", correction={"consignee": "as-given"})
        yield order
    for _ in range(3):
        order = shop.script(note="waybill number with a wrong check digit, then a good one")
        order["waybill"].update(s10="bad-check-digit-first", times=1)
        yield order


def declaration_flaws(shop):
    for delta in (1, -1):
        order = shop.script(shop.lines(many), note="export pieces differ, never corrected")
        order["export"].update(pieces_delta=delta)
        yield order | {"buyer_confirms": False}
    for delta in (1, -1):
        order = shop.script(shop.lines(many), note="export pieces differ, then corrected")
        order["export"].update(pieces_delta=delta, correction={"pieces_delta": 0})
        yield order
    for _ in range(2):
        order = shop.script(note="export value a fifth too low, never corrected")
        order["export"].update(value="-20%")
        yield order | {"buyer_confirms": False}
    for _ in range(2):
        order = shop.script(note="export value a fifth too low, then corrected")
        order["export"].update(value="-20%", correction={"value": "as-ordered"})
        yield order
    for sku in ("WCH-TIT", "BAG-TOP"):
        order = shop.script([{"sku": sku, "quantity": 1}], note="export officer detains")
        order["export"]["officer"] = "detain"
        order["import"] = None
        yield order | {"buyer_confirms": False}
    for sku in ("CRM-DAY", "SRM-PRL", "MSK-ALO"):
        order = shop.script([{"sku": sku, "quantity": 2}], note="import officer detains")
        order["import"]["officer"] = "detain"
        yield order | {"buyer_confirms": False}


def many(lines):
    return sum(line["quantity"] for line in lines) >= 2


def refused_quotes(shop):
    too_much = [[("BND-CUP", 4)], [("WCH-DIV", 1), ("COF-WC3", 1)], [("BAG-CLN", 2)]]
    for lines in too_much:
        yield stop_before_payment(shop.script([{"sku": s, "quantity": q} for s, q in lines],
                                              note="over CNY 5,000 in several pieces"))
    not_ready = {"hs-missing": ["HMP-RYA", "OLD-TIN"], "hs-too-short": ["COF-GRN", "SPC-MIX"],
                 "vague-description": ["GFT-DOR", "SMP-CRM"], "origin-missing": ["TOY-PZL", "SCK-COT"],
                 "weight-missing": ["TOY-DOL", "BRW-KTL"], "no-price": ["LMP-TRV", "SHW-RYL"],
                 "content-missing": ["CRM-SUN", "PFM-MIN"], "list-unknown": ["PWB-10K", "GLV-MED", "DUR-FRS", "SLV-RNG", "BTK-MTR"],
                 "rate-unknown": ["WSK-12Y", "WSK-BLD"]}
    for gap, skus in not_ready.items():
        for n, sku in enumerate(skus):
            lines = [{"sku": sku, "quantity": 1 + n % 2}]
            if n % 2:
                lines.insert(0, {"sku": "COF-WC3", "quantity": 1})
            yield stop_before_payment(shop.script(lines, note=f"product not ready: {gap}"))


def special(shop):
    """Flawless orders that stand on a limit, on either side of it."""
    for sku, quantity, note in [
        ("BAG-CLN", 1, "taxable value exactly CNY 5,000.00"),
        ("BAG-CLB", 1, "taxable value just over CNY 5,000, one piece"),
        ("WCH-DIV", 1, "over CNY 5,000, one piece"), ("WCH-DIV", 1, "over CNY 5,000, one piece"),
        ("WCH-TIT", 1, "over CNY 5,000, one piece, watch over CNY 10,000"),
        ("WCH-TIT", 1, "over CNY 5,000, one piece, watch over CNY 10,000"),
        ("BAG-TOP", 1, "over CNY 5,000, one piece"), ("BAG-TOP", 1, "over CNY 5,000, one piece"),
        ("PFM-OUD", 1, "perfume at exactly CNY 10 per ml"), ("PFM-OUD", 2, "perfume just under CNY 10 per ml"),
        ("SRM-PRL", 1, "serum over CNY 10 per ml with freight"), ("SRM-PRL", 2, "serum under CNY 10 per ml with freight"),
        ("MSK-GLD", 1, "masks at exactly CNY 15 each"), ("MSK-GLD", 2, "masks under CNY 15 each"),
        ("BND-CUP", 3, "several pieces just under CNY 5,000"),
    ]:
        yield shop.script([{"sku": sku, "quantity": quantity}], note=note)
    for sku in ("CAP-SNG", "CER-TEA"):  # 200 g and 1,850 g: a tenth is a whole number of grams
        order = shop.script([{"sku": sku, "quantity": 1}], note="waybill weight at the tolerance")
        order["waybill"].update(weight_percent=110, correction=None)
        yield order


def year_of_big_spenders(shop):
    """Each list in its order: the orders of one buyer up to the limit of the year and beyond."""
    b151 = [("BND-CUP", 3)] * 5 + [("BND-CUP", 3), ("BND-CUP", 1), ("BND-STR", 1), ("COF-WC3", 1)]
    b152 = [("WCH-TIT", 1), ("WCH-DIV", 1), ("BND-CUP", 2), ("BND-STR", 1)]
    b153 = [("BAG-CLN", 1)] * 5 + [("SLK-SKT", 1), ("SMB-BLC", 1)]
    for buyer, wishes in zip(BIG_SPENDERS, (b151, b152, b153)):
        spent, orders = 0, []
        for sku, quantity in wishes:
            order = shop.script([{"sku": sku, "quantity": quantity}], buyer)
            value = shop.cost(order["lines"]).taxable
            if spent + value > oracle.YEAR_LIMIT:
                order["note"] = "over CNY 26,000 in the year"
                stop_before_payment(order)
            else:
                spent += value
                order["note"] = "exactly CNY 26,000 in the year" if spent == oracle.YEAR_LIMIT else "big spender"
            orders.append(order)
        yield orders


def orders(shop):
    wrong = [*payment_flaws(shop), *waybill_flaws(shop), *declaration_flaws(shop), *refused_quotes(shop)]
    expired = [stop_before_payment(shop.script(note="quote expired")) | {"place": "after-quote-expired"}
               for _ in range(3)]
    again = [stop_before_payment(shop.script(note="order number taken")) for _ in range(3)]
    spenders = list(year_of_big_spenders(shop))
    over_year = sum(o["note"].startswith("over") for orders in spenders for o in orders)
    flawless = [*special(shop)]
    flawless_spenders = sum(map(len, spenders)) - over_year
    wanted = FLAWLESS_TO_WRONG * (len(wrong) + len(expired) + len(again) + over_year)
    unverified = [shop.script(buyer=buyer) for buyer in UNVERIFIED for _ in range(2)]
    flawless += unverified
    flawless += [shop.script() for _ in range(wanted - len(flawless) - flawless_spenders)]

    listed = flawless + wrong
    shop.draw.shuffle(listed)
    for start, sequence in zip((4, 9, 15), spenders):  # early, so that no year ends in between
        for n, order in enumerate(sequence):
            listed.insert(start + n * 11, order)
    for n, order in enumerate(again):
        listed.insert(400 + n * 120, order)
    listed += expired  # last, because a week has to pass for them
    number_all(shop, listed, again)
    give_buyers(shop, listed)
    return listed


def number_all(shop, listed, again):
    payments = 0
    for entry, order in enumerate(listed, 1):
        order["entry"] = entry
        order["order_no"] = f"SWT-26-{entry:06d}"
        for one in order["payments"]:
            payments += 1
            one["no"] = f"PAY-26-{payments:06d}"
            if one["order_no"] == "typo":
                one["order_no"] = f"SWT-62-{entry:06d}"
    for n, order in enumerate(again):
        earlier = [o for o in listed[: order["entry"] - 50] if o["note"] == "" and o["buyer"] is None]
        first = shop.draw.one(earlier)
        order["order_no"] = first["order_no"]
        order["same_buyer_as"] = first if n == 0 else None


def give_buyers(shop, listed):
    """Buyers go round; none but the big spenders comes near the limit of the year."""
    spent = {}
    free = [f"b{n:03d}" for n in range(1, BUYERS + 1) if f"b{n:03d}" not in UNVERIFIED + BIG_SPENDERS]
    turn = 0
    for order in listed:
        try:
            value = shop.cost(order["lines"]).taxable
        except oracle.Refused:
            value = 0
        first = order.pop("same_buyer_as", None)
        if first:
            order["buyer"] = first["buyer"]
        while order["buyer"] is None:
            buyer = free[(turn * 37 + turn // len(free)) % len(free)]
            turn += 1
            if spent.get(buyer, 0) + value <= YEAR_CAP:
                order["buyer"] = buyer
        spent[order["buyer"]] = spent.get(order["buyer"], 0) + value


def write_lines(path, items):
    """A JSON list with one item on a line, so that a change shows as one line."""
    body = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
    path.write_text(f"[\n{body}\n]\n", encoding="utf-8")


def main():
    samples = oracle.SAMPLES
    workbook("SERI WARISAN TRADING - PRICE LIST", "Updated 18/11/2026, prices in RM, ex works Shah Alam",
             price_rows(), samples / "price-list.xlsx")
    workbook("SERI WARISAN TRADING - NEW GOODS (draft)", "Updated 19/11/2026",
             [row for row, _ in BROKEN], samples / "price-list-broken.xlsx")
    write_lines(samples / "buyers.json", buyers(Draw(SEED + " buyers")))
    listed = orders(Shop())
    write_lines(samples / "orders.json", [{"entry": order.pop("entry"), **order} for order in listed])


if __name__ == "__main__":
    main()
