"""Texts without what is no text: markup, control characters, halves of characters."""

from __future__ import annotations

import re

from rnn_apps.data.text.normalisation import LONE_SURROGATE, remove_invisible

# Tags of the kind that review sites leave in their texts; a "<3" or "a < b" stays.
_MARKUP = re.compile(r"<\s*/?\s*(?:br|p|div|span|i|b|u|em|strong|hr|a|img|li|ul|ol)\b[^<>]*>", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BLANKS = re.compile(r"\s+")


def clean(text: str) -> str:
    """Returns `text` without markup, what is not seen, control characters, lone surrogates and repeated blanks."""
    text = remove_invisible(text)
    text = _MARKUP.sub(" ", text)
    text = _CONTROL.sub(" ", text)
    text = LONE_SURROGATE.sub("\ufffd", text)
    return _BLANKS.sub(" ", text).strip()
