"""Makes the scripted orders: on both lanes, for persons and for firms, nineteen flawless ones for one
with something wrong, and those that stand on a limit on purpose."""

from fractions import Fraction

import catalogue
import catalogue_cn
import lanes
import oracle
from draw import SEED, Draw
from people import BIG_SPENDERS, FIRMS, PERSONS, UNVERIFIED

FLAWLESS_TO_WRONG = 19
# How many orders in all, and so how many with something wrong.
WRONG = {("my-cn", "b2c-parcel"): 52, ("cn-my", "b2c-parcel"): 42, ("my-cn", "b2b"): 3, ("cn-my", "b2b"): 3}
YEAR_CAP = 20_000_00  # fen: what any other buyer in China may ask for in all, far below the limit of the year
ORDINARY_CAP = {"my-cn": 3_600_00, "cn-my": 2_400_00}  # goods and freight of an ordinary order, buyer's currency
NUMBERS = {("my-cn", "b2c-parcel"): "SWT", ("cn-my", "b2c-parcel"): "YHT",
           ("my-cn", "b2b"): "SWB", ("cn-my", "b2b"): "YHB"}
# Named places by their UN/LOCODE: handed over at home, delivered abroad.
PLACES = {"my-cn": {"FCA": "MYPKG", "CPT": "CNHGH", "DAP": "CNHGH", "EXW": "MYKUL"},
          "cn-my": {"FCA": "CNNGB", "CPT": "MYPKG", "DAP": "MYKUL", "DDP": "MYKUL"}}


class Shop:
    """A seller's side of one lane. Knows the goods and what they come to, so that limits are met only on
    purpose."""

    def __init__(self, way, regime, world):
        self.way, self.regime, self.world = way, regime, world
        self.draw = Draw(SEED if (way, regime) == ("my-cn", "b2c-parcel") else f"{SEED} {way} {regime}")
        self.products = world.products[way]
        rows = catalogue.READY if way == "my-cn" else catalogue_cn.READY + catalogue_cn.NO_DUTY_KNOWN
        dear = 1500 if way == "my-cn" else 700
        self.ordinary = [row[0] for row in rows if Fraction(row[8]) < dear]
        if regime == "b2b":
            everything = [p for p in self.products.values() if not p.gaps["b2b"] and p.price < 400_00]
            restricted = {row[0] for row in catalogue_cn.RESTRICTED}
            self.ordinary = [p.sku for p in everything if p.sku not in restricted]
        self.next = 0

    def order(self, lines, incoterm=None):
        return {"way": self.way, "regime": self.regime, "lines": lines, "incoterm": incoterm}

    def cost(self, lines, incoterm=None):
        return oracle.cost_of(self.order(lines, incoterm), self.world)

    def quantity(self, sku):
        price = self.products[sku].price
        if self.regime == "b2b":
            return 10 * (1 + self.draw.below(20 if price <= 30_00 else 12 if price <= 100_00 else 5))
        top = 6 if price <= 30_00 else 3 if price <= 100_00 else 2 if price <= 300_00 else 1
        return 1 + self.draw.below(top)

    def fits(self, lines):
        """Whether a buyer would be quoted an ordinary price for this."""
        try:
            value = self.cost(lines, self.regime == "b2b" and {"rule": "FCA"} or None).customs_value
        except oracle.Refused:
            return False
        return self.regime == "b2b" or value <= ORDINARY_CAP[self.way]

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
                lines = [{"sku": sku, "quantity": self.quantity(sku)} for sku in skus]
                if wanted(lines) and self.fits(lines):
                    return lines

    def script(self, lines=None, buyer=None, note=""):
        """A flawless order: paid, carried and declared as it should be, in one of the usual ways."""
        draw = self.draw
        order = {
            "way": self.way, "regime": self.regime, "order_no": None, "buyer": buyer,
            "lines": lines or self.lines(), "incoterm": None, "place": "now",
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
        if self.regime == "b2b":
            rule = draw.one(["FCA", "FCA", "CPT", "DAP"])
            order["incoterm"] = {"rule": rule, "place": PLACES[self.way][rule]}
            order["waybill"]["when"] = "after-order"
            by = order["payments"][0]["by"]
            order["payments"] = ([payment(by)] if draw.percent(30) else
                                 [payment(by, amount="deposit"), payment(by, amount="balance", when="after-waybill")])
        return order


def payment(by="webhook", **changes):
    return {"no": None, "by": by, "payer": "buyer", "amount": "as-quoted", "currency": "as-quoted",
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


# --- persons: what goes wrong -------------------------------------------------------------------

WRONG_PAYMENTS = [("amount short", {"amount": "-10.00"}), ("amount over", {"amount": "+1.00"}),
                  ("currency USD", {"currency": "USD"}), ("payer other", {"payer": "other"}),
                  ("names an unknown order number", {"order_no": "typo"})]


def payment_flaw(shop, which, by, when="after-order"):
    note, change = WRONG_PAYMENTS[which % len(WRONG_PAYMENTS)]
    order = stop_before_carriage(shop.script(note=f"payment {note}"))
    order["payments"] = [payment(by, when=when, **change)]
    return order


def payment_flaws(shop):
    for which in range(len(WRONG_PAYMENTS)):
        yield payment_flaw(shop, which, ("webhook", "camt.054")[which % 2], "before-order" if which == 0 else "after-order")
        if shop.way == "my-cn":
            yield payment_flaw(shop, which, ("camt.054", "webhook")[which % 2])
    order = shop.script(note="payment names an unknown order number, then a right one")
    order["payments"] = [payment("camt.054", order_no="typo"), payment("webhook")]
    yield order
    for when in ("after-order", "before-order"):
        order = shop.script(note="payment message twice")
        order["payments"] = [payment("camt.054", times=2, when=when)]
        yield order
    order = shop.script(note="second payment for a paid order")
    order["payments"] = [payment("camt.054"), payment("webhook")]
    yield order
    order = stop_before_carriage(shop.script(buyer=UNVERIFIED[shop.way][0], note="buyer unverified and payer other"))
    order["payments"] = [payment(payer="other")]
    yield order


def waybill_flaws(shop):
    for percent in (135, 70):
        order = shop.script(note=f"waybill weight {percent} %, never corrected")
        order["waybill"].update(weight_percent=percent)
        yield order | {"buyer_confirms": False}
        order = shop.script(note=f"waybill weight {percent} %, then corrected")
        order["waybill"].update(weight_percent=percent, correction={"weight_percent": 100})
        yield order
    order = shop.script(note="waybill consignee other, never corrected")
    order["waybill"].update(consignee="other")
    yield order | {"buyer_confirms": False}
    order = shop.script(note="waybill consignee other, then corrected")
    order["waybill"].update(consignee="other", correction={"consignee": "as-given"})
    yield order
    order = shop.script(note="waybill number with a wrong check digit, then a good one")
    order["waybill"].update(s10="bad-check-digit-first", times=1)
    yield order


def many(lines):
    return sum(line["quantity"] for line in lines) >= 2


def declaration_flaws(shop):
    order = shop.script(shop.lines(many), note="export pieces differ, never corrected")
    order["export"].update(pieces_delta=1)
    yield order | {"buyer_confirms": False}
    order = shop.script(shop.lines(many), note="export pieces differ, then corrected")
    order["export"].update(pieces_delta=-1, correction={"pieces_delta": 0})
    yield order
    order = shop.script(note="export value a fifth too low, never corrected")
    order["export"].update(value="-20%")
    yield order | {"buyer_confirms": False}
    order = shop.script(note="export value a fifth too low, then corrected")
    order["export"].update(value="-20%", correction={"value": "as-ordered"})
    yield order
    export, into = {"my-cn": (["WCH-TIT", "BAG-TOP"], ["CRM-DAY", "MSK-ALO"]),
                    "cn-my": (["YW-SLV01"], ["YW-EAR01"])}[shop.way]
    for sku in export:
        order = shop.script([{"sku": sku, "quantity": 1}], note="export officer detains")
        order["export"]["officer"] = "detain"
        order["import"] = None
        yield order | {"buyer_confirms": False}
    for sku in into:
        order = shop.script([{"sku": sku, "quantity": 2}], note="import officer detains")
        order["import"]["officer"] = "detain"
        yield order | {"buyer_confirms": False}


NOT_READY = {
    "my-cn": {"hs-missing": ["HMP-RYA"], "hs-too-short": ["COF-GRN"], "vague-description": ["GFT-DOR"],
              "origin-missing": ["TOY-PZL"], "weight-missing": ["TOY-DOL"], "no-price": ["LMP-TRV"],
              "content-missing": ["CRM-SUN"], "list-unknown": ["PWB-10K", "BTK-MTR"], "rate-unknown": ["WSK-12Y"]},
    "cn-my": {"hs-missing": ["HZ-HMP01"], "hs-too-short": ["HZ-SPC01"], "vague-description": ["YW-GFT01", "YW-GFT02"],
              "origin-missing": ["YW-TOY03"], "weight-missing": ["HZ-CER05"], "no-price": ["HZ-SLK04"],
              "rate-unknown": ["HZ-WIN01", "HZ-WSK01"], "prohibited": ["HZ-SOP03"]},
}
BESIDE = {"my-cn": "COF-WC3", "cn-my": "YW-SCK01"}


def refused(shop, wishes, note):
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wishes]
    return stop_before_payment(shop.script(lines, note=note))


def refused_quotes(shop):
    for gap, skus in NOT_READY[shop.way].items():
        for n, sku in enumerate(skus):
            beside = [(BESIDE[shop.way], 1)] if n % 2 else []
            yield refused(shop, [*beside, (sku, 1 + n % 2)], f"product not ready: {gap}")
    if shop.way == "my-cn":
        for wishes in ([("BND-CUP", 4)], [("WCH-DIV", 1), ("COF-WC3", 1)]):
            yield refused(shop, wishes, "over CNY 5,000 in several pieces")
    else:
        for wishes in ([("YW-KTL01", 2)], [("YW-SHO01", 1), ("YW-CAM01", 2)]):
            yield refused(shop, wishes, "over RM 500 with goods whose duty nobody knows")


# --- persons: on a limit ------------------------------------------------------------------------

LIMITS = {
    "my-cn": [
        ([("BAG-CLN", 1)], "taxable value exactly CNY 5,000.00"),
        ([("BAG-CLB", 1)], "taxable value just over CNY 5,000, one piece"),
        ([("WCH-DIV", 1)], "over CNY 5,000, one piece"), ([("WCH-DIV", 1)], "over CNY 5,000, one piece"),
        ([("WCH-TIT", 1)], "over CNY 5,000, one piece, watch over CNY 10,000"),
        ([("WCH-TIT", 1)], "over CNY 5,000, one piece, watch over CNY 10,000"),
        ([("BAG-TOP", 1)], "over CNY 5,000, one piece"), ([("BAG-TOP", 1)], "over CNY 5,000, one piece"),
        ([("PFM-OUD", 1)], "perfume at exactly CNY 10 per ml"), ([("PFM-OUD", 2)], "perfume just under CNY 10 per ml"),
        ([("SRM-PRL", 1)], "serum over CNY 10 per ml with freight"),
        ([("SRM-PRL", 2)], "serum under CNY 10 per ml with freight"),
        ([("MSK-GLD", 1)], "masks at exactly CNY 15 each"), ([("MSK-GLD", 2)], "masks under CNY 15 each"),
        ([("BND-CUP", 3)], "several pieces just under CNY 5,000"),
    ],
    "cn-my": [
        ([("HZ-CER02", 1)], "CIF exactly RM 500.00"), ([("HZ-CER03", 1)], "CIF exactly RM 500.01"),
        ([("YW-WCH01", 1)], "one item at exactly RM 500.00"), ([("YW-WCH02", 1)], "one item at exactly RM 500.01"),
        ([("YW-WCH01", 2)], "two items at exactly RM 500.00"),
        ([("YW-BAG01", 1), ("YW-TSH01", 2)], "several items of which one is over RM 500"),
        ([("YW-BAG01", 1), ("HZ-CER01", 1), ("HZ-TEA02", 1)], "several items of which one is over RM 500"),
        ([("HZ-CER01", 3)], "several items under RM 500 that are over it together"),
        ([("YW-BAG02", 1), ("YW-UMB01", 1)], "several items under RM 500 that are over it together"),
        ([("YW-BED01", 1)], "a code without duty where none is levied"),
        ([("YW-SHO02", 1)], "a code without duty where none is levied"),
        ([("HZ-BOK01", 3)], "books, which bear only the tax on low values"),
        ([("YW-GLD01", 1)], "one item over RM 5,000"), ([("YW-GLD02", 1)], "one item over CNY 20,000"),
        ([("YW-LAP01", 1)], "a dear item without duty"), ([("YW-LAP01", 2)], "two dear items without duty"),
        ([("YW-FUR01", 1)], "a heavy parcel"),
    ],
}
# A tenth of their weight is a whole number of grams.
TEN_PER_CENT = {"my-cn": ("CAP-SNG", "CER-TEA"), "cn-my": ("HZ-GLS01", "YW-CUP01")}


def special(shop):
    """Flawless orders that stand on a limit, on either side of it."""
    for wishes, note in LIMITS[shop.way]:
        yield shop.script([{"sku": sku, "quantity": quantity} for sku, quantity in wishes], note=note)
    for sku in TEN_PER_CENT[shop.way]:
        order = shop.script([{"sku": sku, "quantity": 1}], note="waybill weight at the tolerance")
        order["waybill"].update(weight_percent=110, correction=None)
        yield order
    for buyer in UNVERIFIED[shop.way]:
        for _ in range(2):
            yield shop.script(buyer=buyer)


def year_of_big_spenders(shop):
    """Each list in its order: the orders of one buyer up to the limit of the year and beyond."""
    b151 = [("BND-CUP", 3)] * 5 + [("BND-CUP", 3), ("BND-CUP", 1), ("BND-STR", 1), ("COF-WC3", 1)]
    b152 = [("WCH-TIT", 1), ("WCH-DIV", 1), ("BND-CUP", 2), ("BND-STR", 1)]
    b153 = [("BAG-CLN", 1)] * 5 + [("SLK-SKT", 1), ("SMB-BLC", 1)]
    for buyer, wishes in zip(BIG_SPENDERS, (b151, b152, b153)):
        spent, orders = 0, []
        for sku, quantity in wishes:
            order = shop.script([{"sku": sku, "quantity": quantity}], buyer)
            value = shop.cost(order["lines"]).customs_value
            if spent + value > lanes.YEAR_LIMIT:
                order["note"] = "over CNY 26,000 in the year"
                stop_before_payment(order)
            else:
                spent += value
                order["note"] = "exactly CNY 26,000 in the year" if spent == lanes.YEAR_LIMIT else "big spender"
            orders.append(order)
        yield orders


# --- the lanes ----------------------------------------------------------------------------------

def persons(way, world):
    """The orders of one way's consumers in the order in which they are placed, and those that come last
    of all because a week has to pass for them."""
    shop = Shop(way, "b2c-parcel", world)
    expired = [stop_before_payment(shop.script(note="quote expired")) | {"place": "after-quote-expired"}
               for _ in range(2)]
    again = [stop_before_payment(shop.script(note="order number taken")) for _ in range(2)]
    spenders = list(year_of_big_spenders(shop)) if way == "my-cn" else []
    over_year = sum(o["note"].startswith("over") for orders in spenders for o in orders)
    wrong = [*payment_flaws(shop), *waybill_flaws(shop), *declaration_flaws(shop), *refused_quotes(shop)]
    if way == "cn-my":
        wrong += restricted(shop)
    more = WRONG[way, "b2c-parcel"] - len(wrong) - len(expired) - len(again) - over_year
    if more < 0:
        raise ValueError(f"{way}: {-more} wrong orders too many")
    wrong += [payment_flaw(shop, n, ("webhook", "camt.054")[n % 2]) for n in range(more)]
    flawless = [*special(shop)]
    wanted = FLAWLESS_TO_WRONG * WRONG[way, "b2c-parcel"] - sum(map(len, spenders)) + over_year
    flawless += [shop.script() for _ in range(wanted - len(flawless))]

    listed = flawless + wrong
    shop.draw.shuffle(listed)
    for start, sequence in zip((4, 9, 15), spenders):  # early, so that no year ends in between
        for n, order in enumerate(sequence):
            listed.insert(start + n * 11, order)
    for n, order in enumerate(again):
        listed.insert(400 + n * 120, order)
    number(shop, listed + expired)
    take_numbers(shop, listed, again)
    give_buyers(shop, listed + expired)
    return listed, expired


def restricted(shop):
    for row in catalogue_cn.RESTRICTED:
        order = shop.script([{"sku": row[0], "quantity": 1}], note="restricted goods without a permit")
        yield order | {"buyer_confirms": False}


def firms(way, world):
    shop = Shop(way, "b2b", world)
    lapsing = stop_before_carriage(shop.script(note="deposit never followed by its balance"))
    lapsing["payments"] = [payment("camt.054", amount="deposit")]
    rule = {"my-cn": "EXW", "cn-my": "DDP"}[way]
    foreign = stop_before_payment(shop.script(note="Incoterm not offered"))
    foreign["incoterm"] = {"rule": rule, "place": PLACES[way][rule]}
    sku = {"my-cn": "WSK-BLD", "cn-my": "YW-TWL01"}[way]
    unknown = stop_before_payment(shop.script([{"sku": sku, "quantity": 24}], note="product not ready: rate-unknown"))
    wrong = [lapsing, foreign, unknown]
    flawless = [shop.script() for _ in range(FLAWLESS_TO_WRONG * len(wrong))]
    listed = flawless + wrong
    shop.draw.shuffle(listed)
    number(shop, listed)
    for n, order in enumerate(listed):
        order["buyer"] = FIRMS[way][n * 5 % len(FIRMS[way])]
    return listed


def number(shop, listed):
    word = NUMBERS[shop.way, shop.regime]
    for n, order in enumerate(listed, 1):
        order["order_no"] = f"{word}-26-{n:06d}"
        for k, one in enumerate(order["payments"], 1):
            one["no"] = f"P{word}-26-{n:06d}-{k}"
            if one["order_no"] == "typo":
                one["order_no"] = f"{word}-62-{n:06d}"


def take_numbers(shop, listed, again):
    """Orders that give a number which an earlier order has taken: once the same buyer's, once another's."""
    for n, order in enumerate(again):
        until = next(i for i, o in enumerate(listed) if o is order) - 50
        first = shop.draw.one([o for o in listed[:until] if o["note"] == "" and o["buyer"] is None])
        order["order_no"] = first["order_no"]
        order["same_buyer_as"] = first if n == 0 else None


def give_buyers(shop, listed):
    """Buyers go round; none but the big spenders comes near the limit of the year."""
    spent = {}
    free = [b for b in PERSONS[shop.way] if b not in UNVERIFIED[shop.way] + BIG_SPENDERS]
    turn = 0
    for order in listed:
        try:
            value = shop.cost(order["lines"]).customs_value
        except oracle.Refused:
            value = 0
        first = order.pop("same_buyer_as", None)
        if first:
            order["buyer"] = first["buyer"]
        while order["buyer"] is None:
            buyer = free[(turn * 37 + turn // len(free)) % len(free)]
            turn += 1
            if shop.way == "cn-my" or spent.get(buyer, 0) + value <= YEAR_CAP:
                order["buyer"] = buyer
        spent[order["buyer"]] = spent.get(order["buyer"], 0) + value


def riffle(*lists):
    """All of them as one, each in its own order, evenly mixed."""
    placed = [(Fraction(2 * i + 1, 2 * len(items)), n, item)
              for n, items in enumerate(lists) for i, item in enumerate(items)]
    return [item for _, _, item in sorted(placed, key=lambda p: p[:2])]


def orders():
    world = oracle.world()
    out, out_late = persons("my-cn", world)
    back, back_late = persons("cn-my", world)
    listed = riffle(out, back, firms("my-cn", world), firms("cn-my", world)) + out_late + back_late
    order = ["way", "regime", "order_no", "buyer", "lines", "incoterm", "place", "payments", "waybill", "export",
             "import", "buyer_confirms", "note"]
    return [{"entry": entry} | {name: one[name] for name in order} for entry, one in enumerate(listed, 1)]
