"""The four lanes as agreed, and what goods come to on each: carriage, charges, the division of the money.

Amounts are whole sen and fen. `home` is the seller's currency, the other one the buyer's. Exchange
rates, rate cards and fees are invented samples, labelled so wherever they are shown.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from exact import half_up, split
from lists import TAXED_WHATEVER

# China, goods bought by persons across the border.
SINGLE_LIMIT, YEAR_LIMIT = 5_000_00, 26_000_00  # fen of goods and freight
SHARE_OF_TAX = Fraction(70, 100)
COSMETIC_PER_ML_OR_G, COSMETIC_PER_PIECE, WATCH_EACH = 10_00, 15_00, 10_000_00  # fen

# Malaysia, parcels for persons.
RELIEF_UP_TO = 500_00  # sen of goods and freight of the order
LOW_VALUE_UP_TO = 500_00  # sen, price of one item
LOW_VALUE_TAX = Fraction(10, 100)
NEVER_LOW_VALUE = TAXED_WHATEVER + ("9614", "854340")

INCOTERMS = ("FCA", "CPT", "DAP")
DEPOSIT = Fraction(30, 100)


@dataclass(frozen=True)
class Lane:
    way: str
    regime: str
    fx: Fraction  # buyer's currency for one of the seller's, spread included
    first_kg: Fraction
    first_price: int
    step_kg: Fraction
    step_price: int
    volume_divisor: int  # cm3 for a chargeable kg
    export_fee: Fraction
    import_fee: Fraction

    def there(self, home):
        return half_up(home * self.fx)

    def home(self, there):
        return half_up(there / self.fx)

    def carriage(self, chargeable_kg):
        """The first step, then every further one that is begun; in the seller's currency."""
        further = max(0, math.ceil((Fraction(chargeable_kg) - self.first_kg) / self.step_kg))
        return self.first_price + self.step_price * further


PERCENT = Fraction(1, 100)
# The buyer pays the middle rate with the spread on top.
TO_CNY = Fraction("1.6120") * (1 + Fraction("0.40") * PERCENT)
TO_MYR = Fraction("0.6203") * (1 + Fraction("0.40") * PERCENT)
HALF = Fraction(1, 2)

LANES = {(lane.way, lane.regime): lane for lane in (
    Lane("my-cn", "b2c-parcel", TO_CNY, HALF, 18_00, HALF, 9_00, 6000, 1 * PERCENT, HALF * PERCENT),
    Lane("cn-my", "b2c-parcel", TO_MYR, Fraction(1), 20_00, Fraction(1), 13_00, 5000, 1 * PERCENT, HALF * PERCENT),
    Lane("my-cn", "b2b", TO_CNY, Fraction(10), 120_00, Fraction(1), 6_50, 6000,
         Fraction("0.8") * PERCENT, Fraction("0.4") * PERCENT),
    Lane("cn-my", "b2b", TO_MYR, Fraction(10), 150_00, Fraction(1), 7_50, 6000,
         Fraction("0.8") * PERCENT, Fraction("0.4") * PERCENT),
)}


class Refused(Exception):
    def __init__(self, outcome, reason, detail=""):
        super().__init__(outcome, reason, detail)
        self.outcome, self.reason, self.detail = outcome, reason, detail


@dataclass
class Quote:
    goods: int  # the buyer's currency
    freight: int  # what the buyer pays of it, in the buyer's currency
    goods_home: int
    freight_home: int  # what the carrier gets, in the seller's currency
    grams: Fraction
    treatment: str
    charges: dict = field(default_factory=dict)  # duty, vat, ct, sales_tax, lvg

    def charge(self, kind):
        return self.charges.get(kind, 0)

    @property
    def customs_value(self):
        return self.goods + self.freight

    @property
    def tax(self):
        return sum(self.charges.values())

    @property
    def total(self):
        return self.goods + self.freight + self.tax

    @property
    def deposit(self):
        return half_up(self.total * DEPOSIT)


def quote(lane, lines, facts, incoterm=None):
    """The landed cost of (product, quantity) lines; raises Refused."""
    if lane.regime == "b2b" and incoterm not in INCOTERMS:
        raise Refused("quote-refused", "incoterm-not-offered")
    for product, _ in lines:
        if product.gaps[lane.regime]:
            raise Refused("quote-refused", "product-not-ready", product.first_gap(lane.regime))

    values_home = [product.price * quantity for product, quantity in lines]
    values = [lane.there(value) for value in values_home]
    kg = sum(product.weight * quantity for product, quantity in lines)
    cm3 = sum(product.size[0] * product.size[1] * product.size[2] * quantity
              for product, quantity in lines if product.size)
    carriage_home = lane.carriage(max(kg, Fraction(cm3) / lane.volume_divisor))
    # Under CPT and DAP the seller's price holds the carriage: the buyer pays none beside it.
    paid = incoterm in (None, "FCA")
    carriage = lane.there(carriage_home) if paid else 0
    bases = [value + share for value, share in zip(values, split(carriage, values))]
    charges = {("my-cn", "b2c-parcel"): china_person, ("cn-my", "b2c-parcel"): malaysia_person,
               ("my-cn", "b2b"): china_firm, ("cn-my", "b2b"): malaysia_firm}[lane.way, lane.regime]
    treatment, levied = charges(lines, values, bases, facts)
    return Quote(goods=sum(values), freight=carriage, goods_home=sum(values_home), freight_home=carriage_home,
                 grams=kg * 1000, treatment=treatment, charges=levied)


def add(charges, **more):
    for kind, amount in more.items():
        charges[kind] = charges.get(kind, 0) + amount


# --- into China ---------------------------------------------------------------------------------

def composite(vat, ct):
    """The one rate within the limits: (CT + VAT) / (1 - CT) x 70 %. Shares, not per cent."""
    return (ct + vat) / (1 - ct) * SHARE_OF_TAX


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


def in_full(charges, product, quantity, base, fact):
    """Duty on the value, consumption tax on value and duty and itself, VAT on all three."""
    vat, ct = Fraction(fact["vat_pct"]) / 100, consumption_tax(product, fact, quantity, base)
    line_duty = half_up(base * Fraction(fact["mfn_duty_pct"]) / 100)
    line_ct = half_up((base + line_duty) / (1 - ct) * ct)
    line_vat = half_up((base + line_duty + line_ct) * vat)
    add(charges, duty=line_duty, ct=line_ct, vat=line_vat)


def china_person(lines, values, bases, facts):
    charges = {}
    within = sum(bases) <= SINGLE_LIMIT
    if not within and not (len(lines) == 1 and lines[0][1] == 1):
        raise Refused("quote-refused", "over-single-limit")
    for (product, quantity), base in zip(lines, bases):
        fact = facts[product.hs6]
        if not within:
            in_full(charges, product, quantity, base, fact)
            continue
        vat, ct = Fraction(fact["vat_pct"]) / 100, consumption_tax(product, fact, quantity, base)
        parts = split(half_up(base * composite(vat, ct)), [vat, ct])
        add(charges, vat=parts[0], ct=parts[1])
    return "within-limits" if within else "over-single-limit-in-full", charges


def china_firm(lines, values, bases, facts):
    charges = {}
    for (product, quantity), base in zip(lines, bases):
        in_full(charges, product, quantity, base, facts[product.hs6])
    return "full", charges


# --- into Malaysia ------------------------------------------------------------------------------

def malaysia_person(lines, values, bases, facts):
    charges = {}
    relief = sum(bases) <= RELIEF_UP_TO and not any(p.hs.startswith(TAXED_WHATEVER) for p, _ in lines)
    for (product, quantity), value, base in zip(lines, values, bases):
        low = value <= LOW_VALUE_UP_TO * quantity and not product.hs.startswith(NEVER_LOW_VALUE)
        if low:
            add(charges, lvg=half_up(value * LOW_VALUE_TAX))
        if relief:
            continue
        fact = facts[product.hs6]
        if fact["duty_state"] == "unknown":
            raise Refused("quote-refused", "rate-unknown")
        duty = half_up(base * Fraction(fact["duty_pct"]) / 100)
        add(charges, duty=duty)
        if not low:
            add(charges, sales_tax=half_up((base + duty) * Fraction(fact["sales_tax_pct"]) / 100))
    return "relief" if relief else "full", charges


def malaysia_firm(lines, values, bases, facts):
    charges = {}
    for (product, _), base in zip(lines, bases):
        fact = facts[product.hs6]
        duty = half_up(base * Fraction(fact["duty_pct"]) / 100)
        add(charges, duty=duty, sales_tax=half_up((base + duty) * Fraction(fact["sales_tax_pct"]) / 100))
    return "full", charges


# --- the end ------------------------------------------------------------------------------------

def settle(lane, cost):
    """What is due to the exporting hub and what the seller is paid out, once the claim window has closed."""
    import_fee = half_up(cost.goods * lane.import_fee)
    due = cost.goods + cost.freight - import_fee
    export_fee = half_up(cost.goods_home * lane.export_fee)
    return {"due_to_peer": due, "import_fee": import_fee, "export_fee": export_fee,
            "seller_payout": lane.home(due) - cost.freight_home - export_fee}
