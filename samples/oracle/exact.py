"""Exact arithmetic of the oracle: fractions, one rounding, splits that sum to the whole."""

import math
from fractions import Fraction


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


def minor(text):
    """Whole sen or fen of an amount as it is written."""
    whole = Fraction(text) * 100
    if whole.denominator != 1:
        raise ValueError(f"{text} has more than two digits")
    return int(whole)


def decimal(amount):
    return f"{amount // 100}.{amount % 100:02d}"
