"""Works out what must become of every order in samples/orders.json, without the hub's code.

It reads the price lists, the orders and the rates (facts.csv, facts-my.csv), and writes expected.csv,
expected-products.csv, expected-products-cn.csv and expected-broken.csv. All arithmetic is exact
(fractions); an amount is rounded once, half up, to sen or fen. Amounts are whole sen and fen throughout.

    python3 samples/oracle/oracle.py
"""

import csv
import json
from dataclasses import dataclass, field
from fractions import Fraction

from exact import decimal
from lanes import LANES, YEAR_LIMIT, Refused, quote, settle
from lists import HERE, SAMPLES, broken_cells, read_chinese_products, read_facts, read_products

WEIGHT_TOLERANCE = Fraction(10, 100)
# Export: value of the goods in the seller's currency; import: of goods and freight in the buyer's.
RED_FROM = {"my-cn": (10_000_00, 3_000_00), "cn-my": (20_000_00, 5_000_00)}
YELLOW = {"my-cn": (("621410", "7113", "7117"), ("3304", "2106")),
          "cn-my": (("7113", "7117"), ("8504", "8507", "8518"))}
# Held until whoever imports brings the permit of the agency. What needs a certificate at export has it:
# the Malaysian firm holds those for honey and bird's nest.
PERMIT_AT_IMPORT = {"my-cn": (), "cn-my": ("2106", "0410", "8517")}


@dataclass
class World:
    """What is sold and taxed how, and what one order leaves behind for the next: numbers that are taken
    on the importing hub, and the year of buyers in China."""
    products: dict  # by way, then by sku
    facts: dict  # by way
    taken: set = field(default_factory=set)
    year: dict = field(default_factory=dict)


def world():
    facts = {"my-cn": read_facts("facts.csv"), "cn-my": read_facts("facts-my.csv")}
    products = {"my-cn": read_products(facts=facts["my-cn"]), "cn-my": read_chinese_products(facts=facts["cn-my"])}
    return World(products, facts)


def lane_of(order):
    return LANES[order["way"], order["regime"]]


def lines_of(order, world):
    goods = world.products[order["way"]]
    return [(goods[line["sku"]], line["quantity"]) for line in order["lines"]]


def cost_of(order, world):
    incoterm = order["incoterm"] and order["incoterm"]["rule"]
    return quote(lane_of(order), lines_of(order, world), world.facts[order["way"]], incoterm)


def place(order, cost, world):
    if order["place"] == "after-quote-expired":
        raise Refused("order-refused", "quote-expired")
    number = order["way"], order["order_no"]
    if number in world.taken:
        raise Refused("order-refused", "order-number-taken")
    if order["way"] == "my-cn" and order["regime"] == "b2c-parcel":
        spent = world.year.get(order["buyer"], 0) + cost.customs_value
        if spent > YEAR_LIMIT:
            raise Refused("order-refused", "over-annual-limit")
        world.year[order["buyer"]] = spent
    world.taken.add(number)


def take_payments(order):
    """Paid by the first payment of the whole that fits, or by a deposit and its balance; otherwise the
    reason of the first one that did not fit."""
    reason, deposit = "no-payment", False
    for payment in order["payments"]:
        if payment["order_no"] != "as-given":
            continue  # belongs to nobody: it waits and is sent back
        fits = payment["amount"] == "as-quoted" or (order["regime"] == "b2b" and payment["amount"] == (
            "balance" if deposit else "deposit"))
        wrong = ("currency-differs" if payment["currency"] != "as-quoted" else
                 "amount-differs" if not fits else
                 "payer-differs" if payment["payer"] != "buyer" else None)
        if wrong is None:
            if payment["amount"] != "deposit":
                return
            deposit, reason = True, "balance-missing"
        elif reason == "no-payment":
            reason = wrong
    raise Refused("unpaid", reason)


def mended(document, name):
    """The value that stands in the end: the corrected one if there was a correction."""
    correction = document.get("correction") or {}
    return correction.get(name, document[name])


def match(order, lines):
    if any(product.hs.startswith(PERMIT_AT_IMPORT[order["way"]]) for product, _ in lines):
        raise Refused("held", "permit", "import")
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


def channels(order, world, cost):
    """(export, import) as the fixed criteria give them; the random ones are released and change nothing."""
    def under(codes):
        return any(product.hs.startswith(codes) for product, _ in lines_of(order, world))
    return tuple("red" if value >= red else "yellow" if under(yellow) else "green"
                 for value, red, yellow in zip((cost.goods_home, cost.customs_value), RED_FROM[order["way"]],
                                               YELLOW[order["way"]]))


def clear(order, world, cost):
    out, into = channels(order, world, cost)
    if order["export"]["officer"] == "detain":
        if out == "green":
            raise ValueError(f"{order['order_no']}: nobody looks at a green parcel")
        raise Refused("detained", "export")
    match(order, lines_of(order, world))
    if order["import"]["officer"] == "detain":
        if into == "green":
            raise ValueError(f"{order['order_no']}: nobody looks at a green parcel")
        raise Refused("detained", "import")


CHARGES = ["duty", "vat", "ct", "sales_tax", "lvg"]
# goods to import_fee and the charges are in the buyer's currency, the rest in the seller's.
AMOUNTS = ["goods", "freight", "tax", "total", "due_to_peer", "import_fee", "seller_payout", *CHARGES,
           "freight_home", "export_fee", "deposit"]
COLUMNS = ["entry", "way", "regime", "order_no", "outcome", "reason", "detail", "treatment", *AMOUNTS]


def decide(order, world):
    """One row of expected.csv. Amounts in minor units; empty where the order never got so far."""
    row = dict.fromkeys(COLUMNS, "") | {name: order[name] for name in ("entry", "way", "regime", "order_no")}
    row["outcome"] = "paid"
    try:
        cost = cost_of(order, world)
        row.update(goods=cost.goods, freight=cost.freight, tax=cost.tax, total=cost.total,
                   treatment=cost.treatment, freight_home=cost.freight_home,
                   **{kind: cost.charge(kind) for kind in CHARGES})
        if order["regime"] == "b2b":
            row["deposit"] = cost.deposit
        place(order, cost, world)
        take_payments(order)
        clear(order, world, cost)
        row.update(settle(lane_of(order), cost))
    except Refused as refused:
        row.update(outcome=refused.outcome, reason=refused.reason, detail=refused.detail)
    return row


def expected(orders, world):
    rows = []
    for order in orders:
        row = decide(order, world)
        for name in AMOUNTS:
            if row[name] != "":
                row[name] = decimal(row[name])
        rows.append(row)
    return rows


def write(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def product_rows(products):
    for p in products.values():
        yield [p.sku, "no" if p.gaps["b2c-parcel"] else "yes", p.first_gap(),
               "no" if p.gaps["b2b"] else "yes", p.first_gap("b2b")]


def main():
    here = world()
    orders = json.loads((SAMPLES / "orders.json").read_text(encoding="utf-8"))
    rows = expected(orders, here)
    write(HERE / "expected.csv", COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    columns = ["sku", "ready", "first_gap", "ready_b2b", "first_gap_b2b"]
    write(HERE / "expected-products.csv", columns, product_rows(here.products["my-cn"]))
    write(HERE / "expected-products-cn.csv", columns, product_rows(here.products["cn-my"]))
    write(HERE / "expected-broken.csv", ["row", "sku", "column", "cell", "problem"], broken_cells())
    counts = {}
    for row in rows:
        key = tuple(row[name] for name in ("way", "regime", "outcome", "reason", "detail"))
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        print(f"{count:5} {' '.join(filter(None, key))}")
    for way, products in here.products.items():
        ready = sum(not product.first_gap() for product in products.values())
        print(f"{way}: {ready} products ready, {len(products) - ready} not")
    print(f"{len(rows)} orders")


if __name__ == "__main__":
    main()
