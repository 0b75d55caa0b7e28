"""Works out what must become of every order in samples/orders.json, without the hub's code.

It reads the price list, the buyers, the orders and the rates (facts.csv), and writes expected.csv,
expected-products.csv and expected-broken.csv. All arithmetic is exact (fractions); an amount is
rounded once, half up, to sen or fen. Amounts are whole sen and fen throughout.

    python3 samples/oracle/oracle.py
"""

import csv
import json
import math
import re
import zipfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent

# Sample exchange rate and sample rate card: invented, labelled so wherever they are shown.
FX = Fraction("1.6120") * (1 + Fraction("0.40") / 100)  # CNY for one MYR, as the buyer pays it
FIRST_HALF_KG, NEXT_HALF_KG = 1800, 900  # sen
VOLUME_DIVISOR = 6000  # cm3 for a chargeable kg
IMPORT_FEE, EXPORT_FEE = Fraction("0.0050"), Fraction("0.0100")

# China, goods bought by persons across the border.
SINGLE_LIMIT, YEAR_LIMIT = 5_000_00, 26_000_00  # fen of goods and freight
SHARE_OF_TAX = Fraction(70, 100)
COSMETIC_PER_ML_OR_G, COSMETIC_PER_PIECE, WATCH_EACH = 10_00, 15_00, 10_000_00  # fen

WEIGHT_TOLERANCE = Fraction(10, 100)
EXPORT_RED_FROM = 10_000_00  # sen
IMPORT_RED_FROM = 3_000_00  # fen
EXPORT_YELLOW, IMPORT_YELLOW = ("621410", "7113", "7117"), ("3304", "2106")

VAGUE = {"gift", "spare parts", "sample"}
GAPS = ["hs-missing", "hs-too-short", "vague-description", "origin-missing", "weight-missing",
        "no-price", "content-missing", "list-unknown", "rate-unknown"]
COUNTRY_NAMES = {"malaysia": "MY"}


# --- arithmetic ---------------------------------------------------------------------------------

def half_up(x):
    """The nearest whole number, a half going up. Amounts here are never negative."""
    x = Fraction(x)
    if x < 0:
        raise ValueError(f"negative amount {x}")
    return math.floor(x + Fraction(1, 2))


def split(amount, weights):
    """Hamilton's way: floors first, then one more to the largest remainders, the first of equals first."""
    whole = sum(weights)
    shares = [Fraction(amount) * w / whole for w in weights]
    parts = [math.floor(s) for s in shares]
    order = sorted(range(len(weights)), key=lambda i: (-(shares[i] - parts[i]), i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def to_cny(sen):
    return half_up(sen * FX)


def to_myr(fen):
    return half_up(fen / FX)


def freight_sen(chargeable_kg):
    """First half kilogram, then every further one that is begun."""
    further = max(0, math.ceil((Fraction(chargeable_kg) - Fraction(1, 2)) / Fraction(1, 2)))
    return FIRST_HALF_KG + NEXT_HALF_KG * further


def composite(vat, ct):
    """The one rate within the limits: (CT + VAT) / (1 - CT) x 70 %. Shares, not per cent."""
    return (ct + vat) / (1 - ct) * SHARE_OF_TAX


# --- the price list -----------------------------------------------------------------------------

@dataclass
class Product:
    sku: str
    name: str
    description: str
    hs: str
    origin: str
    weight: Fraction | None  # kg, gross, of one packed piece
    size: tuple | None  # cm
    content: tuple | None  # (amount, "ml" | "g" | "piece")
    price: int | None  # sen
    gaps: list = field(default_factory=list)

    @property
    def hs6(self):
        return self.hs[:6]

    @property
    def first_gap(self):
        return self.gaps[0] if self.gaps else ""


def read_xlsx(path):
    """The first sheet as rows of {column letter: (cell type, text)}; nothing but the zip and its XML."""
    ns = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            for item in ET.fromstring(book.read("xl/sharedStrings.xml")).findall("m:si", ns):
                shared.append("".join(t.text or "" for t in item.iter(f"{{{ns['m']}}}t")))
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iter(f"{{{ns['m']}}}row"):
        cells = {}
        for cell in row.findall("m:c", ns):
            kind, value = cell.get("t", "n"), cell.find("m:v", ns)
            text = value.text if value is not None else None
            if kind == "s" and text is not None:
                kind, text = "text", shared[int(text)]
            elif kind == "inlineStr":
                kind, text = "text", "".join(t.text or "" for t in cell.iter(f"{{{ns['m']}}}t"))
            elif kind == "n" and text is not None:
                text = f"{float(text):.15g}"  # a cell holds a binary number and shows 15 digits of it
            if text is not None and text.strip():
                cells[re.match(r"[A-Z]+", cell.get("r"))[0]] = (kind, text.strip())
        rows.append((int(row.get("r")), cells))
    return rows


def read_table(path):
    """(row number, {header: (type, text)}) below the row whose first cell says SKU."""
    header, table = None, []
    for number, cells in read_xlsx(path):
        if header is None:
            if cells.get("A", ("", ""))[1] == "SKU":
                header = {letter: text for letter, (_, text) in cells.items()}
            continue
        if cells:
            table.append((number, {header[letter]: cell for letter, cell in cells.items()}))
    return table


def read_facts(path=HERE / "facts.csv"):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["hs6"]: row for row in csv.DictReader(file)}


def read_product(row, facts):
    text = {name: value for name, (_, value) in row.items()}
    sides = [text.get(side) for side in ("L (cm)", "W (cm)", "H (cm)")]
    content = re.fullmatch(r"([0-9.]+) (ml|g|pcs)", text.get("Net content", ""))
    price = text.get("Price (RM)")
    origin = text.get("Origin", "")
    product = Product(
        sku=text["SKU"],
        name=text["Product"],
        description=text.get("Description for customs", ""),
        hs=text.get("HS code", "").replace(".", "").replace(" ", ""),
        origin=COUNTRY_NAMES.get(origin.casefold(), origin),
        weight=Fraction(text["Weight (kg)"]) if "Weight (kg)" in text else None,
        size=tuple(Fraction(s) for s in sides) if all(sides) else None,
        content=(Fraction(content[1]), {"pcs": "piece"}.get(content[2], content[2])) if content else None,
        price=exact_sen(price) if price else None,
    )
    product.gaps = gaps(product, facts)
    return product


def exact_sen(text):
    sen = Fraction(text) * 100
    if sen.denominator != 1:
        raise ValueError(f"{text} has more than two digits")
    return int(sen)


def gaps(product, facts):
    """All that is missing for China, in the order in which it is asked for."""
    fact = facts.get(product.hs6)
    missing = {
        "hs-missing": not product.hs,
        "hs-too-short": bool(product.hs) and len(product.hs) < 6,
        "vague-description": product.description.casefold() in VAGUE,
        "origin-missing": not product.origin,
        "weight-missing": product.weight is None,
        "no-price": product.price is None,
        "content-missing": product.hs[:4] in ("3303", "3304") and product.content is None,
        "list-unknown": fact is None or fact["list_state"] == "unknown",
        "rate-unknown": fact is None or fact["rate_state"] == "unknown",
    }
    return [gap for gap in GAPS if missing[gap]]


def read_products(path=SAMPLES / "price-list.xlsx", facts=None):
    facts = facts if facts is not None else read_facts()
    products = [read_product(row, facts) for _, row in read_table(path)]
    return {product.sku: product for product in products}


def broken_cells(path=SAMPLES / "price-list-broken.xlsx"):
    """(row, sku, column, cell, problem) of every cell of the second list that cannot be taken."""
    seen, found = set(), []
    for number, row in read_table(path):
        for column, (kind, text) in row.items():
            problem = None
            if kind == "e":
                problem = "error-cell"
            elif column == "SKU" and text in seen:
                problem = "twice"
            elif column == "HS code" and len(text.replace(".", "")) < 6:
                problem = "too-short"
            elif column == "Origin" and not re.fullmatch("[A-Z]{2}", text) and text.casefold() not in COUNTRY_NAMES:
                problem = "not-a-country"
            elif column in ("Weight (kg)", "L (cm)", "W (cm)", "H (cm)") and not re.fullmatch(r"\d+(\.\d+)?", text):
                problem = "not-a-number"
            elif column == "Price (RM)":
                number_text = text.removeprefix("RM").strip()
                if not re.fullmatch(r"\d+(\.\d+)?", number_text):
                    problem = "not-a-number"
                elif len(number_text.partition(".")[2]) > 2:
                    problem = "too-many-digits"
            if problem:
                found.append((number, row["SKU"][1], column, text, problem))
        seen.add(row["SKU"][1])
    return found


# --- the quote ----------------------------------------------------------------------------------

@dataclass
class Quote:
    goods: int  # fen
    freight: int
    duty: int
    vat: int
    ct: int
    goods_sen: int
    freight_sen: int
    grams: Fraction
    treatment: str

    @property
    def taxable(self):
        return self.goods + self.freight

    @property
    def tax(self):
        return self.duty + self.vat + self.ct

    @property
    def total(self):
        return self.taxable + self.tax


class Refused(Exception):
    def __init__(self, outcome, reason, detail=""):
        super().__init__(outcome, reason, detail)
        self.outcome, self.reason, self.detail = outcome, reason, detail


def consumption_tax(product, fact, quantity, base):
    """The rate as a share, for a line whose taxable value is `base` fen."""
    kind, rate = fact["ct_kind"], Fraction(fact["ct_pct"]) / 100
    if kind == "cosmetic":
        amount, unit = product.content
        per = Fraction(base) / (amount * quantity)
        return rate if per >= (COSMETIC_PER_PIECE if unit == "piece" else COSMETIC_PER_ML_OR_G) else Fraction(0)
    if kind == "watch":
        return rate if Fraction(base) / quantity >= WATCH_EACH else Fraction(0)
    if kind in ("none", "plain"):
        return rate
    raise ValueError(f"no consumption tax rule for {product.sku}")


def quote(lines, facts):
    """The landed cost of (product, quantity) lines; raises Refused."""
    for product, _ in lines:
        if product.gaps:
            raise Refused("quote-refused", "product-not-ready", product.first_gap)

    values_sen = [product.price * quantity for product, quantity in lines]
    values = [to_cny(sen) for sen in values_sen]
    kg = sum(product.weight * quantity for product, quantity in lines)
    cm3 = sum(product.size[0] * product.size[1] * product.size[2] * quantity
              for product, quantity in lines if product.size)
    carriage_sen = freight_sen(max(kg, Fraction(cm3) / VOLUME_DIVISOR))
    carriage = to_cny(carriage_sen)
    bases = [value + share for value, share in zip(values, split(carriage, values))]
    taxable = sum(bases)

    duty = vat = ct = 0
    within = taxable <= SINGLE_LIMIT
    single = len(lines) == 1 and lines[0][1] == 1
    if not within and not single:
        raise Refused("quote-refused", "over-single-limit")
    for (product, quantity), base in zip(lines, bases):
        fact = facts[product.hs6]
        vat_rate = Fraction(fact["vat_pct"]) / 100
        ct_rate = consumption_tax(product, fact, quantity, base)
        if within:
            parts = split(half_up(base * composite(vat_rate, ct_rate)), [vat_rate, ct_rate])
            vat, ct = vat + parts[0], ct + parts[1]
        else:
            line_duty = half_up(base * Fraction(fact["mfn_duty_pct"]) / 100)
            line_ct = half_up((base + line_duty) / (1 - ct_rate) * ct_rate)
            line_vat = half_up((base + line_duty + line_ct) * vat_rate)
            duty, ct, vat = duty + line_duty, ct + line_ct, vat + line_vat
    return Quote(goods=sum(values), freight=carriage, duty=duty, vat=vat, ct=ct,
                 goods_sen=sum(values_sen), freight_sen=carriage_sen, grams=kg * 1000,
                 treatment="within-limits" if within else "single-item-full-tax")


# --- what becomes of an order -------------------------------------------------------------------

@dataclass
class World:
    """What one order leaves behind for the next: numbers taken and the buyers' year."""
    products: dict
    facts: dict
    taken: set = field(default_factory=set)
    year: dict = field(default_factory=dict)


def place(order, cost, world):
    if order["place"] == "after-quote-expired":
        raise Refused("order-refused", "quote-expired")
    if order["order_no"] in world.taken:
        raise Refused("order-refused", "order-number-taken")
    spent = world.year.get(order["buyer"], 0) + cost.taxable
    if spent > YEAR_LIMIT:
        raise Refused("order-refused", "over-annual-limit")
    world.taken.add(order["order_no"])
    world.year[order["buyer"]] = spent


def take_payments(order):
    """Paid by the first payment that fits; otherwise the reason of the first one that did not."""
    reason = "no-payment"
    for payment in order["payments"]:
        if payment["order_no"] != "as-given":
            continue  # belongs to nobody: it waits and is sent back
        wrong = ("currency-differs" if payment["currency"] != "CNY" else
                 "amount-differs" if payment["amount"] != "as-quoted" else
                 "payer-differs" if payment["payer"] != "buyer" else None)
        if wrong is None:
            return
        if reason == "no-payment":
            reason = wrong
    raise Refused("unpaid", reason)


def mended(document, name):
    """The value that stands in the end: the corrected one if there was a correction."""
    correction = document.get("correction") or {}
    return correction.get(name, document[name])


def match(order):
    waybill, export = order["waybill"], order["export"]
    apart = abs(Fraction(mended(waybill, "weight_percent"), 100) - 1)
    if apart > WEIGHT_TOLERANCE:
        raise Refused("held", "gross-weight", "import")
    if mended(waybill, "consignee") != "as-given":
        raise Refused("held", "consignee", "import")
    if mended(export, "pieces_delta") != 0:
        raise Refused("held", "pieces", "import")
    if mended(export, "value") != "as-ordered":
        raise Refused("held", "goods-value", "import")


def channels(lines, cost):
    """(export, import) as the fixed criteria give them; the random ones are released and change nothing."""
    def under(codes):
        return any(product.hs.startswith(codes) for product, _ in lines)
    out = "red" if cost.goods_sen >= EXPORT_RED_FROM else "yellow" if under(EXPORT_YELLOW) else "green"
    into = "red" if cost.taxable >= IMPORT_RED_FROM else "yellow" if under(IMPORT_YELLOW) else "green"
    return out, into


def clear(order, lines, cost):
    out, into = channels(lines, cost)
    if order["export"]["officer"] == "detain":
        if out == "green":
            raise ValueError(f"{order['order_no']}: nobody looks at a green parcel")
        raise Refused("detained", "export")
    match(order)
    if order["import"]["officer"] == "detain":
        if into == "green":
            raise ValueError(f"{order['order_no']}: nobody looks at a green parcel")
        raise Refused("detained", "import")


def settle(cost):
    """What is due to the exporting hub and what the seller is paid out, once the claim window has closed."""
    import_fee = half_up(cost.goods * IMPORT_FEE)
    due = cost.goods + cost.freight - import_fee
    export_fee = half_up(cost.goods_sen * EXPORT_FEE)
    return {"due_to_peer_cny": due, "import_fee_cny": import_fee, "export_fee_myr": export_fee,
            "seller_payout_myr": to_myr(due) - cost.freight_sen - export_fee}


COLUMNS = ["order_no", "outcome", "reason", "detail", "goods_cny", "freight_cny", "tax_cny", "total_cny",
           "due_to_peer_cny", "import_fee_cny", "seller_payout_myr", "treatment",
           "duty_cny", "vat_cny", "ct_cny", "freight_myr", "export_fee_myr", "entry"]


def decide(order, world):
    """One row of expected.csv. Amounts in minor units; empty where the order never got so far."""
    row = dict.fromkeys(COLUMNS, "")
    row.update(order_no=order["order_no"], entry=order["entry"], outcome="paid")
    lines = [(world.products[line["sku"]], line["quantity"]) for line in order["lines"]]
    try:
        cost = quote(lines, world.facts)
        row.update(goods_cny=cost.goods, freight_cny=cost.freight, tax_cny=cost.tax, total_cny=cost.total,
                   treatment=cost.treatment, duty_cny=cost.duty, vat_cny=cost.vat, ct_cny=cost.ct,
                   freight_myr=cost.freight_sen)
        place(order, cost, world)
        take_payments(order)
        clear(order, lines, cost)
        row.update(settle(cost))
    except Refused as refused:
        row.update(outcome=refused.outcome, reason=refused.reason, detail=refused.detail)
    return row


def decimal(minor):
    return f"{minor // 100}.{minor % 100:02d}"


def expected(orders, products, facts):
    world = World(products, facts)
    rows = []
    for order in orders:
        row = decide(order, world)
        for name in COLUMNS:
            if name.endswith(("_cny", "_myr")) and row[name] != "":
                row[name] = decimal(row[name])
        rows.append(row)
    return rows


def write(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def main():
    facts = read_facts()
    products = read_products(facts=facts)
    orders = json.loads((SAMPLES / "orders.json").read_text(encoding="utf-8"))
    rows = expected(orders, products, facts)
    write(HERE / "expected.csv", COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    write(HERE / "expected-products.csv", ["sku", "ready", "first_gap"],
          [[p.sku, "no" if p.gaps else "yes", p.first_gap] for p in products.values()])
    write(HERE / "expected-broken.csv", ["row", "sku", "column", "cell", "problem"], broken_cells())
    counts = {}
    for row in rows:
        key = (row["outcome"], row["reason"], row["detail"])
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        print(f"{count:5} {' '.join(filter(None, key))}")
    ready = sum(not product.gaps for product in products.values())
    print(f"{len(rows)} orders; {ready} products ready, {len(products) - ready} not")


if __name__ == "__main__":
    main()
