"""The oracle's own reading of the price lists, and what each product lacks on each lane."""

import csv
import re
import zipfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from exact import minor

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent

VAGUE = {"gift", "spare parts", "sample", "样品"}
GAPS = ["hs-missing", "hs-too-short", "vague-description", "origin-missing", "weight-missing",
        "no-price", "content-missing", "list-unknown", "rate-unknown", "prohibited"]
COUNTRY_NAMES = {"malaysia": "MY", "中国": "CN", "英国": "GB", "以色列": "IL"}
UNITS = {"ml": "ml", "毫升": "ml", "g": "g", "克": "g", "pcs": "piece"}
# Malaysia: tobacco and liquor are taxed in full whatever they cost.
TAXED_WHATEVER = ("24", "2203", "2204", "2205", "2206", "2207", "2208")


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
    price: int | None  # sen or fen
    gaps: dict = field(default_factory=dict)  # by regime

    @property
    def hs6(self):
        return self.hs[:6]

    def first_gap(self, regime="b2c-parcel"):
        return self.gaps[regime][0] if self.gaps[regime] else ""


# --- files --------------------------------------------------------------------------------------

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


def read_facts(name="facts.csv"):
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return {row["hs6"]: row for row in csv.DictReader(file)}


# --- goods --------------------------------------------------------------------------------------

def read_product(row, facts):
    """A product of the Malaysian workbook."""
    text = {name: value for name, (_, value) in row.items()}
    sides = [text.get(side) for side in ("L (cm)", "W (cm)", "H (cm)")]
    price = text.get("Price (RM)")
    product = Product(
        sku=text["SKU"],
        name=text["Product"],
        description=text.get("Description for customs", ""),
        hs=text.get("HS code", "").replace(".", "").replace(" ", ""),
        origin=country(text.get("Origin", "")),
        weight=Fraction(text["Weight (kg)"]) if "Weight (kg)" in text else None,
        size=tuple(Fraction(s) for s in sides) if all(sides) else None,
        content=content(text.get("Net content", "")),
        price=minor(price) if price else None,
    )
    product.gaps = {regime: gaps_for_china(product, facts, regime) for regime in ("b2c-parcel", "b2b")}
    return product


def read_chinese_product(text, facts):
    """A product of the Chinese text table; all cells are text there."""
    size = text["长宽高(厘米)"].split("×")
    product = Product(
        sku=text["货号"],
        name=text["商品名称"],
        description=text["报关品名"],
        hs=text["商品编码/HS编码"].replace(".", ""),
        origin=country(text["原产国"]),
        weight=Fraction(text["毛重(千克)"]) if text["毛重(千克)"] else None,
        size=tuple(Fraction(s) for s in size) if len(size) == 3 else None,
        content=content(text["净含量"]),
        price=minor(text["单价(元)"]) if text["单价(元)"] else None,
    )
    product.gaps = {regime: gaps_for_malaysia(product, facts, regime) for regime in ("b2c-parcel", "b2b")}
    return product


def country(text):
    return COUNTRY_NAMES.get(text.casefold(), text)


def content(text):
    found = re.fullmatch(r"([0-9.]+) ?(ml|g|pcs|毫升|克)", text)
    return (Fraction(found[1]), UNITS[found[2]]) if found else None


def common_gaps(product):
    return {
        "hs-missing": not product.hs,
        "hs-too-short": bool(product.hs) and len(product.hs) < 6,
        "vague-description": product.description.casefold() in VAGUE,
        "origin-missing": not product.origin,
        "weight-missing": product.weight is None,
        "no-price": product.price is None,
    }


def gaps_for_china(product, facts, regime):
    """All that is missing for China, in the order in which it is asked for. The positive list is one of
    the consumer regime; firms may import what is not on it."""
    fact = facts.get(product.hs6)
    missing = common_gaps(product) | {
        "content-missing": product.hs[:4] in ("3303", "3304") and product.content is None,
        "list-unknown": regime == "b2c-parcel" and (fact is None or fact["list_state"] == "unknown"),
        "rate-unknown": fact is None or fact["rate_state"] == "unknown",
    }
    return [gap for gap in GAPS if missing.get(gap)]


def gaps_for_malaysia(product, facts, regime):
    """All that is missing for Malaysia. A parcel for a person may do without a duty that is not levied."""
    fact = facts.get(product.hs6)
    no_duty = fact is None or fact["duty_state"] == "unknown"
    missing = common_gaps(product) | {
        "rate-unknown": no_duty and (regime == "b2b" or product.hs.startswith(TAXED_WHATEVER)),
        "prohibited": product.origin == "IL",
    }
    return [gap for gap in GAPS if missing.get(gap)]


def read_products(path=SAMPLES / "price-list.xlsx", facts=None):
    facts = facts if facts is not None else read_facts()
    products = [read_product(row, facts) for _, row in read_table(path)]
    return {product.sku: product for product in products}


def read_chinese_products(path=SAMPLES / "price-list-cn.csv", encoding="gb18030", facts=None):
    facts = facts if facts is not None else read_facts("facts-my.csv")
    with open(path, newline="", encoding=encoding) as file:
        rows = list(csv.reader(file))
    header = next(i for i, row in enumerate(rows) if row and row[0] == "货号")
    named = [dict(zip(rows[header], row)) for row in rows[header + 1:] if row]
    return {product.sku: product for product in (read_chinese_product(row, facts) for row in named)}


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
