"""Texts without what is no text: markup, control characters, halves of characters."""

from __future__ import annotations

import re

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can write and no UTF-8 file can hold."""

# Tags of the kind that review sites leave in their texts; a "<3" or "a < b" stays.
_MARKUP = re.compile(r"<\s*/?\s*(?:br|p|div|span|i|b|u|em|strong|hr|a|img|li|ul|ol)\b[^<>]*>", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff]")
_BLANKS = re.compile(r"\s+")


def clean(text: str) -> str:
    """Returns `text` without markup, control characters, lone surrogates and repeated blanks."""
    text = _MARKUP.sub(" ", text)
    text = _CONTROL.sub(" ", text)
    text = LONE_SURROGATE.sub("\ufffd", text)
    return _BLANKS.sub(" ", text).strip()
