"""Times of day in words as times in digits: half past six, six heures et demie and 六点半 are 6:30, which is copied.

What may be something else, such as the range "from ten to five" or the hour and a half of "une heure et demie", is a
time only beside words that tell it.
"""

from __future__ import annotations

from collections.abc import Mapping

import regex

from rnn_apps.tasks.translation.numbers import whole_number

_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_HEURES = ("une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze")
_ENGLISH_MINUTES = "five|ten|twenty|twenty[ -]five"
_AFTER_THE_HOUR = rf"ten|fifteen|(?:twenty|thirty|forty|fifty)(?:[ -](?:{'|'.join(_HOURS[:9])}))?"
_ENGLISH_TOLD = r"(?<=\b(?:at|by|until|till|now|it['’]s|it is|it was) )"
# "five to ten people" are no time
_ENGLISH_END = r"(?=\s*(?:$|[.,;:!?)\"”]|(?:in the|at night|and|but|or|sharp|when|[ap]\.?m)\b))"
_FRENCH_TOLD = r"(?<=\b(?:à|avant|après|vers|jusqu['’]à|dès|est|était|presque|d['’]ici) )"
_FRENCH_MINUTES = "et demie?|et quart|moins le quart|moins (?:cinq|dix|vingt)|dix|quinze|vingt|trente|quarante-cinq"
_IDEOGRAPHIC = "[一二两三四五六七八九]"
_CHINESE_HOUR = rf"(?:二?十{_IDEOGRAPHIC}?|{_IDEOGRAPHIC}|[01]?\d|2[0-4])"
# 这一点十分重要 tells no time
_TEN = r"十分(?=\P{Han}|$|[的左到开起出上下来去回前后在])"
_TENS = rf"[零〇]{_IDEOGRAPHIC}|[二三四五]十{_IDEOGRAPHIC}?|十{_IDEOGRAPHIC}|[0-5]\d"
_CHINESE_MINUTES = rf"(?:[一三]刻|(?:{_TENS})分?|{_TEN}|{_IDEOGRAPHIC}分)"

_VALUES: Mapping[str, int] = {
    **{word: number for words in (_HOURS, _HEURES) for number, word in enumerate(words, 1)},
    **{"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "a": 0, "quarter": 15, "half": 30},
    **{"quinze": 15, "vingt": 20, "trente": 30, "quarante": 40, "et": 0, "le": 0, "quart": 15, "demi": 30, "demie": 30},
    **{"半": 30, "一刻": 15, "三刻": 45},
}
_BACKWARDS = frozenset(["to", "before", "差"])


def _hour(words: tuple[str, ...]) -> str:
    return rf"(?P<hour>{'|'.join(words)}|1[0-2]|[1-9])(?![\w:.,]*\d|[\w'’-]| (?:hundred|thousand|million)\b)"


_PATTERNS: Mapping[str, regex.Pattern[str]] = {
    "en": regex.compile(
        rf"\b(?P<minute>(?:a )?quarter|half) (?P<side>past|after|to|before) {_hour(_HOURS)}"
        rf"|\b(?P<minute>{_ENGLISH_MINUTES}|[1-5]?\d) minutes "
        rf"(?P<side>past|after|to|before) {_hour(_HOURS)}{_ENGLISH_END}"
        rf"|{_ENGLISH_TOLD}(?P<minute>{_ENGLISH_MINUTES}|[1-5]?\d) (?P<side>past|to) {_hour(_HOURS)}{_ENGLISH_END}"
        rf"|{_ENGLISH_TOLD}(?P<hour>{'|'.join(_HOURS)})[ -](?P<minute>{_AFTER_THE_HOUR}){_ENGLISH_END}",
        regex.IGNORECASE,
    ),
    "fr": regex.compile(
        rf"{_FRENCH_TOLD}(?P<hour>{'|'.join(_HEURES)}|\d{{1,2}}) heures? (?P<minute>{_FRENCH_MINUTES})(?![\w-])"
        r"|(?<![\d.,])(?P<hour>\d{1,2}) ?h ?(?P<minute>\d\d)(?!\w)",
        regex.IGNORECASE,
    ),
    "zh": regex.compile(
        rf"(?<!{_IDEOGRAPHIC}|[\d.:])(?:(?P<side>差)(?P<minute>{_CHINESE_MINUTES})(?P<hour>{_CHINESE_HOUR})[点點]"
        rf"|(?P<hour>{_CHINESE_HOUR})[点點](?P<side>差)?(?P<minute>半(?![点點])|{_CHINESE_MINUTES}))"
    ),
}


def with_times_in_digits(text: str, language: str) -> str:
    """Returns a text with its times of day in digits, as far as they are known in its language.

    Args:
        text: any.
        language: its code, such as "en"; times are known in English, French and Chinese.
    """
    pattern = _PATTERNS.get(language[:2].lower())
    return pattern.sub(_in_digits, text) if pattern else text


def _in_digits(match: regex.Match[str]) -> str:
    hour, minute = _value(match["hour"]), _value(match["minute"].removesuffix("分"))
    if hour > 24 or minute >= 60:
        return match.group()
    if (match.groupdict().get("side") or "").lower() in _BACKWARDS:
        minute = -minute
    hours, minutes = divmod(60 * hour + minute, 60)
    return f"{hours or 12}:{minutes:02}"


def _value(said: str) -> int:
    """The sum of its words; behind "moins" it is less than none."""
    words = regex.findall(r"[^\s-]+", said.lower())
    values = (_VALUES[word] if word in _VALUES else whole_number(word) for word in words if word != "moins")
    return sum(values) * (-1 if "moins" in words else 1)
