# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
"""Slugs for web addresses."""

import re
import unicodedata
from typing import Optional

# Letters that do not fall apart into a plain letter and an accent.
SPELLED_OUT = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "þ": "th"})


def slugify(title: str, max_length: Optional[int] = None) -> str:
    """The title in lower case, without accents, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", title.lower().translate(SPELLED_OUT))
    words = re.findall(r"[a-z0-9]+", re.sub(r"['\u2019\u0300-\u036f]", "", plain))
    if not words:
        raise ValueError(f"{title!r} has no letter or digit that could stand in a slug")
    slug = "-".join(words)
    return slug if max_length is None else shorten(slug, max_length)


def shorten(slug: str, max_length: int) -> str:
    """At most `max_length` characters, cut after a whole word where there is one."""
    if len(slug) <= max_length:
        return slug
    cut = slug[: max_length + 1].rsplit("-", 1)
    return cut[0] if len(cut) == 2 else slug[:max_length]
