"""Writes the sample trade data: the price lists, the buyers and the scripted orders. Everything is invented.

The same seed gives the same bytes on every machine: draws come from a hash, and the dates inside the
workbooks are fixed. Needs openpyxl; nothing else in this folder does. Run oracle.py afterwards.

    python3 samples/oracle/make.py
"""

import csv
import io
import json
import re
import zipfile

from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill

import catalogue
import catalogue_cn
import people
import scripts
from lists import SAMPLES

HEADER = ["SKU", "Product", "Description for customs", "HS code", "Origin", "Weight (kg)",
          "L (cm)", "W (cm)", "H (cm)", "Net content", "Price (RM)", "Remarks"]
CHINESE_HEADER = ["货号", "商品名称", "报关品名", "商品编码/HS编码", "原产国", "毛重(千克)", "长宽高(厘米)",
                  "净含量", "单价(元)", "备注"]


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


def by_number(rows):
    """Ready goods and goods that are not, mixed as a firm would have them: sorted by what they are called."""
    return sorted(rows, key=lambda row: row[0])


def price_rows():
    for sku, name, description, hs, origin, weight, size, content, price, remark in by_number(
            catalogue.READY + catalogue.NOT_READY):
        yield [sku, name, description, hs, origin, number(weight), *(size or ("", "", "")), content,
               float(price) if price else "", remark]


def chinese_rows():
    yield ["杭州样湖商贸有限公司 出口价格表"]
    yield ["更新日期 2026-11-18，含出口包装，杭州仓交货"]
    yield CHINESE_HEADER
    for sku, name, description, hs, origin, weight, size, content, price, remark in by_number(
            catalogue_cn.READY + catalogue_cn.NO_DUTY_KNOWN + catalogue_cn.RESTRICTED + catalogue_cn.NOT_READY):
        yield [sku, name, description, hs, origin, weight, "×".join(map(str, size or ())), content, price, remark]


def text_table(rows, path, encoding):
    """As a spreadsheet saves it: the line ends of Windows, and a mark before UTF-8."""
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, lineterminator="\r\n").writerows(rows)


def write_lines(path, items):
    """A JSON list with one item on a line, so that a change shows as one line."""
    body = ",\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items)
    path.write_text(f"[\n{body}\n]\n", encoding="utf-8")


def main():
    workbook("SERI WARISAN TRADING - PRICE LIST", "Updated 18/11/2026, prices in RM, ex works Shah Alam",
             price_rows(), SAMPLES / "price-list.xlsx")
    workbook("SERI WARISAN TRADING - NEW GOODS (draft)", "Updated 19/11/2026",
             [row for row, _ in catalogue.BROKEN], SAMPLES / "price-list-broken.xlsx")
    text_table(chinese_rows(), SAMPLES / "price-list-cn.csv", "gb18030")
    text_table(chinese_rows(), SAMPLES / "price-list-cn-utf8.csv", "utf-8-sig")
    write_lines(SAMPLES / "buyers.json", people.buyers())
    write_lines(SAMPLES / "orders.json", scripts.orders())


if __name__ == "__main__":
    main()
