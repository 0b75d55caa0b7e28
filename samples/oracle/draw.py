"""Draws that depend on a seed and on nothing else: from a hash, so the same on every machine."""

import hashlib

SEED = "seri warisan 2026"


class Draw:
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
