# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""What is in a CSV file, column by column."""

import csv
import io
from collections import Counter
from statistics import fmean
from typing import Any, Dict, List, Optional

# Files of a call lie below in/; what a skill leaves below out/ goes back to the caller.
FILE = "in/data.csv"
MISSING = {"", "na", "n/a", "null", "none", "-"}


def summarise(text: Optional[str] = None, delimiter: Optional[str] = None) -> Dict[str, Any]:
    """Reads in/data.csv, or the text given, and describes each column."""
    if text is None:
        text = read_file()
    table = list(csv.reader(io.StringIO(text), delimiter=delimiter or guess_delimiter(text)))
    if not table:
        raise ValueError("the table is empty: not even a header was found")
    header, rows = table[0], [row for row in table[1:] if row]
    # print() goes to the log of the call, never into the answer.
    print(f"{len(rows)} rows, {len(header)} columns")
    return {
        "rows": len(rows),
        "columns": [describe(name, [cell(row, at) for row in rows]) for at, name in enumerate(header)],
    }


def read_file() -> str:
    try:
        with open(FILE, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except FileNotFoundError:
        raise ValueError(f"give the table as `text`, or pass a file as {FILE}") from None


def guess_delimiter(text: str) -> str:
    """The candidate that stands most often in the header."""
    header = text.split("\n", 1)[0]
    return max(",;\t|", key=header.count)


def cell(row: List[str], at: int) -> str:
    """Short rows count as missing values."""
    return row[at].strip() if at < len(row) else ""


def describe(name: str, cells: List[str]) -> Dict[str, Any]:
    values = [value for value in cells if value.lower() not in MISSING]
    summary = {"name": name, "missing": len(cells) - len(values), "distinct": len(set(values))}
    numbers = [number for number in map(as_number, values) if number is not None]
    if values and len(numbers) == len(values):
        whole = all(number == int(number) for number in numbers)
        spread = {"min": min(numbers), "mean": round(fmean(numbers), 6), "max": max(numbers)}
        return {**summary, "type": "integer" if whole else "number", **spread}
    top = [[value, count] for value, count in Counter(values).most_common(3)]
    return {**summary, "type": "text" if values else "empty", "top": top}


def as_number(value: str) -> Optional[float]:
    try:
        number = float(value)
    except ValueError:
        return None
    # "nan" and "inf" are words in most tables, and JSON has no such numbers.
    return number if abs(number) < float("inf") else None
