"""Months, days, cities, countries, languages, titles, and dates: what those of one language are called in another.

Few texts have them all, so a model says July where it should say June, and nobody notices. The names are those of the
Unicode CLDR, which Babel knows where a model is trained; a saved model has them beside it. The CLDR has no titles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import regex

from rnn_apps.data.parts import counted
from rnn_apps.data.readers.parallel import SentencePair
from rnn_apps.errors import MissingExtraError

_IDEOGRAPHIC = frozenset(["zh", "ja"])
_LONG = 5  # letters of a name that has endings
_YEAR = r"(?P<year>\d{4}|[\ue000-\uf8ff])"  # it may be hidden already
_BEGINNINGS = "\"'“«(:—-.!?…。！？"
# ideographs stand side by side, but 中国人 are no China, 今天津津 no Tianjin; Sundays are a Sunday
_END = r"(?:(?<=[\u2e80-\U0003ffff])(?![人语語话話文菜式籍津])|s?(?!\w))"
_COUNTRY = regex.compile("(?!E[UZ]|UN|X[AB]|QO|ZZ)[A-Z]{2}|00[235]|142|150")  # and continents
_ZONE = regex.compile("(?!Asia/Oral)(?:Africa|America|Asia|Australia|Europe|Pacific)/[A-Za-z_-]+")
_VERBS = frozenset(["Polish"])  # at the beginning of a sentence
_BOTH = regex.compile(r"(.+?) ?[(（](.+)[)）]")
_PERSONS = frozenset(["Jordan", "Chad"])  # are people more often
_PARTS = frozenset(["万象", "利马", "加沙", "帝力", "达卡", "里加", "金边"])  # are parts of other words: 胜利马上
# cities that no time zone is named after, in Chinese; not those that are parts of other words: 长沙, of 长沙发
_CHINESE_CITIES = dict(
    city.rsplit(" ", 1)
    for city in [
        "Beijing 北京",
        "Changchun 长春",
        "Chongqing 重庆",
        "Fuzhou 福州",
        "Guangzhou 广州",
        "Guilin 桂林",
        "Guiyang 贵阳",
        "Hangzhou 杭州",
        "Harbin 哈尔滨",
        "Hefei 合肥",
        "Hohhot 呼和浩特",
        "Jinan 济南",
        "Kunming 昆明",
        "Lanzhou 兰州",
        "Lhasa 拉萨",
        "Nanchang 南昌",
        "Nanjing 南京",
        "Nanning 南宁",
        "Ningbo 宁波",
        "Qingdao 青岛",
        "Sanya 三亚",
        "Shenyang 沈阳",
        "Shenzhen 深圳",
        "Shijiazhuang 石家庄",
        "Suzhou 苏州",
        "Taiyuan 太原",
        "Tianjin 天津",
        "Wuhan 武汉",
        "Wuxi 无锡",
        "Xiamen 厦门",
        "Xining 西宁",
        "Yinchuan 银川",
        "Zhengzhou 郑州",
        "Kaohsiung 高雄",
        "Hiroshima 广岛",
        "Kobe 神户",
        "Kyoto 京都",
        "Nagoya 名古屋",
        "Osaka 大阪",
        "Yokohama 横滨",
        "Barcelona 巴塞罗那",
        "Boston 波士顿",
        "Frankfurt 法兰克福",
        "Geneva 日内瓦",
        "Milan 米兰",
        "Mumbai 孟买",
        "Munich 慕尼黑",
        "New Delhi 新德里",
        "Rio de Janeiro 里约热内卢",
        "San Francisco 旧金山",
        "Seattle 西雅图",
        "Venice 威尼斯",
        "Washington 华盛顿",
    ]
)
# of a man, a woman, a woman whether married or not, a doctor and a professor
_TITLES = {
    "de": ("Herr", "Frau", "Frau", "Dr.", "Prof."),
    "en": ("Mr. Mr", "Mrs. Mrs", "Ms. Ms", "Dr. Dr", "Prof. Professor"),
    "es": ("Sr. señor", "Sra. señora", "Sra. señora", "Dr. doctor", "Prof. profesor"),
    "fr": ("M. Monsieur", "Mme Madame", "Mme Madame", "Dr docteur", "Pr professeur"),
    "it": ("sig. signor", "sig.ra signora", "sig.ra signora", "dott. dottor", "prof. professor"),
    "nl": ("dhr. meneer", "mevr. mevrouw", "mevr. mevrouw", "dr. dokter", "prof. professor"),
    "pt": ("Sr. senhor", "Sra. senhora", "Sra. senhora", "Dr. doutor", "Prof. professor"),
}
_TAUGHT = ("cities", "countries", "languages")
_ENOUGH, _MANY = 4, 50  # pairs that tell what a name is called, and pairs that teach it
_SAID, _TOLD = "\n", 4  # letters that tell a name
_FOUR = regex.compile(r"\d{4}")
_FIELD = regex.compile(r"'([^']*)'|(y+|M+|d+)")


class Names:
    """Finds names in a sentence, and knows what they are called in the other language.

    Args:
        kinds: of "months", "days", "cities", "countries", "languages" and "titles" what may stand for a name in the
            translation, the usual first, by the name; "сред*" is that with any ending.
        patterns: how the other language writes a date, as the CLDR does, "d MMMM": of a "day", and with the "year".
    """

    def __init__(self, kinds: Mapping[str, Mapping[str, list[str]]], patterns: Mapping[str, str]) -> None:
        self.kinds, self.patterns = kinds, patterns
        self.called = {name: said for own in kinds.values() for name, said in own.items()}
        titles = kinds.get("titles", {})
        month, name, title = (
            f"(?P<name>{_any_of(names)}){_END}"
            for names in (kinds.get("months", ()), [name for name in self.called if name not in titles], titles)
        )
        self._pattern = regex.compile(
            rf"{month} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?P<beside>,? {_YEAR})?"
            rf"|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)? (?:of |de )?{month}(?P<beside>,? (?:de )?{_YEAR})?"
            rf"|(?P<beside>{_YEAR}年)?{month}(?P<day>\d{{1,2}})[日号]"
            rf"|{name}" + (rf"|{title}(?= [\p{{Lu}}\ue000-\uf8ff])" if titles else "")
        )

    @classmethod
    def between(cls, source: str, target: str) -> Names:
        """Returns the names of two languages; none where one of them is not known.

        Args:
            source, target: codes such as "en".

        Raises:
            MissingExtraError: if Babel is not installed.
        """
        if not source or not target or source == target:
            return cls({}, {})
        try:
            from babel import Locale, UnknownLocaleError
        except ImportError:
            raise MissingExtraError("Learning what months are called", "train") from None
        try:
            known, other = Locale.parse(source, sep="-"), Locale.parse(target, sep="-")
        except (UnknownLocaleError, ValueError):
            return cls({}, {})
        inflects = any(len(own) > 1 for own in _months(other).values()) and other.language not in _IDEOGRAPHIC

        def called(kind: str) -> dict[str, list[str]]:
            names, others = _KINDS[kind](known), _KINDS[kind](other)
            if kind == "cities" and not _IDEOGRAPHIC & {known.language, other.language}:  # persons, too: Jack London
                others = {zone: list(dict.fromkeys(said + names.get(zone, []))) for zone, said in others.items()}
            if inflects or kind == "languages":  # which are adjectives, too
                others = {code: _with_endings(said) for code, said in others.items()}
            return {name: others[code] for code, own in names.items() if others.get(code) for name in own}

        patterns = {"day": other.datetime_skeletons.get("MMMMd", "d MMMM"), "year": other.date_formats["long"].pattern}
        return cls(
            {kind: called(kind) for kind in _KINDS},
            {name: str(own).replace("M月", "MMMM") for name, own in patterns.items()},
        )

    def words_in(self, text: str) -> set[str]:
        """Returns the words of all names in a text."""
        return (
            {word.rstrip(".") for match in self._pattern.finditer(text) for word in match["name"].split()}
            if self.called
            else set()
        )

    def confirmed(self, pairs: Iterable[SentencePair]) -> Names:
        """Returns the names without those that pairs call otherwise, such as 美国, which may be America.

        Cities, countries and languages that so many pairs have that a model knows them go, too: it knows French fries
        better.
        """
        if not self.called:
            return self
        met = counted(self._met, pairs)
        denied = {name for name in self.called if met[name] >= _ENOUGH and 2 * met[name + _SAID] < met[name]}
        taught = [name for kind in _TAUGHT for name in self.kinds[kind] if met[name] >= _MANY]
        left = denied.union(taught)
        kept = {
            kind: {name: said for name, said in names.items() if name not in left} for kind, names in self.kinds.items()
        }
        return Names(kept, self.patterns)

    def _met(self, pairs: Iterable[SentencePair]) -> Iterator[str]:
        """The names in sources, and again, with a mark, those that the target calls so in part: Russian for Russia."""
        for pair in pairs:
            for name in {self._of(match) for match in self._pattern.finditer(pair.source) if not _begins(match)}:
                yield name
                if any(word[:_TOLD] in pair.target for own in self.called[name] for word in own.split()):
                    yield name + _SAID

    def as_json(self) -> dict[str, Any]:
        """Returns what `of` takes."""
        return {"kinds": self.kinds, "patterns": self.patterns}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Names:
        """Returns what `as_json` came from; an older model has no names."""
        return cls(facts.get("kinds", {}), facts.get("patterns", {}))

    def hide_lost(
        self,
        sentence: str,
        translation: str,
        originals: dict[str, str],
        free: Iterator[str],
        is_word: Callable[[str], bool],
        everything: bool = False,
    ) -> str:
        """Hides the dates and names of a sentence where its translation lacks a name.

        Args:
            sentence: of a text in which something may be hidden.
            translation: what the model has said.
            originals: what is hidden in the text, by the character that stands for it; more is put there.
            free: characters that stand for nothing else in the text.
            is_word: tells whether a word in small letters is one: "may", of which "May" is the form at the beginning.
            everything: hide all its names then, and not only those that are lacking.

        Returns:
            the sentence, as it is where all its names stand in the translation.
        """
        if not self.called:
            return sentence
        found = [
            match
            for match in self._pattern.finditer(sentence)
            if match["day"] or not _begins(match) or not self._may_be_a_word(match["name"], is_word)
        ]
        counts = Counter(map(self._of, found))
        lacking = {name for name, count in counts.items() if count > len(self.said(name, translation))}
        lost = [match for match in found if self._of(match) in lacking or not _has_day(match, translation)]
        for match in reversed(found if everything and lost else lost):
            character = next(free, None)
            if character is not None:
                year = originals.get(match["year"] or "", match["year"]) or ""
                whole = not year or _FOUR.fullmatch(year)
                start, end = match.span() if whole else _without_year(match)
                originals[character] = self._shown(match, year if whole else "")
                sentence = sentence[:start] + character + sentence[end:]
        return sentence

    def with_one_hidden(self, source: str, target: str, character: str) -> tuple[str, str]:
        """Returns a pair, its first date or name that both sides have once hidden behind a character."""
        for match in self._pattern.finditer(source) if self.called else ():
            name = self._of(match)
            year = match["year"] or ""
            dates = [self._shown(match, year)] if match["day"] else []
            for shown in [*dates, *self.said(name, target)]:
                if target.count(shown) == 1 and source.count(match.group()) == 1:
                    return source.replace(match.group(), character), target.replace(shown, character)
        return source, target

    def _may_be_a_word(self, name: str, is_word: Callable[[str], bool]) -> bool:
        """Whether a name at the beginning of a sentence may be something else."""
        return name in _VERBS or (name not in self.kinds.get("titles", {}) and is_word(name.lower()))

    def _of(self, match: regex.Match[str]) -> str:
        """The name of a match as it is known: "Lundi" begins a sentence."""
        name: str = match["name"]
        return name if name in self.called else name[0].lower() + name[1:]

    def said(self, name: str, translation: str) -> list[str]:
        """Returns what stands in a translation for a name, in whatever form: среду is среда."""
        forms = (_bounded(own[:-1]) + r"\w*" if own[-1] == "*" else _bounded(own) + _END for own in self.called[name])
        return regex.findall("|".join(forms), translation, regex.IGNORECASE)

    def _shown(self, match: regex.Match[str], year: str) -> str:
        """A date, or a name alone, as the other language writes it."""
        name = self.called[self._of(match)][0]
        if not match["day"]:
            return name
        fields = {"y": year, "d": str(int(match["day"])), "M": name}
        pattern = self.patterns["year" if year else "day"]
        return _FIELD.sub(lambda found: found[1] if found[2] is None else fields[found[2][0]], pattern)


def _with_endings(forms: list[str]) -> list[str]:
    """Names of a language that inflects them."""
    return forms + [f"{form[:-1]}*" for form in forms if len(form) >= _LONG]


def _months(locale: Any) -> dict[str, list[str]]:
    """What each month is called, the usual form first: 5月 before 五月."""
    widths = ["abbreviated", "wide"] if locale.language in _IDEOGRAPHIC else ["wide"]
    return {str(number): _forms(locale.months, widths, number) for number in range(1, 13)}


def _days(locale: Any) -> dict[str, list[str]]:
    """What each day of the week is called."""
    found = {str(number): _forms(locale.days, ["wide"], number) for number in range(7)}
    if locale.language == "zh":
        for forms in found.values():
            forms += [name.replace("星期", week) for name in forms for week in ("周", "礼拜")]
            forms += [name.replace("日", "天") for name in forms if name.endswith("日")]
    return found


def _cities(locale: Any) -> dict[str, list[str]]:
    """What the cities are called that time zones are named after: as in the identifier, if nothing else is said."""
    from babel.core import get_global

    found = {}
    for zone in sorted(filter(_ZONE.fullmatch, get_global("zone_territories"))):
        name = locale.time_zones.get(zone, {}).get("city") or zone.split("/")[1].replace("_", " ")
        if name not in _PARTS:
            found[zone] = [name.split(" (")[0].removeprefix("Le ")]
    if locale.language in ("en", "zh"):
        found |= {name: [name if locale.language == "en" else own] for name, own in _CHINESE_CITIES.items()}
    return found


def _countries(locale: Any) -> dict[str, list[str]]:
    """What each country and continent is called: Myanmar (Burma) is both."""
    found = {}
    for code in sorted(filter(_COUNTRY.fullmatch, locale.territories)):
        both = _BOTH.fullmatch(name := locale.territories[code])
        found[code] = [own for own in (both.groups() if both else (name,)) if len(own) > 1 and own not in _PERSONS]
    return found


def _languages(locale: Any) -> dict[str, list[str]]:
    """What each language with a code of two letters is called, and who or what speaks it: 德文 is 德语."""
    names = {code: locale.languages[code] for code in sorted(locale.languages) if len(code) == 2}
    return {code: [name, f"{name[:-1]}文"] if name[-1] == "语" else [name] for code, name in names.items()}


def _titles(locale: Any) -> dict[str, list[str]]:
    """What stands before the name of a person, where it does."""
    return {str(number): own.split() for number, own in enumerate(_TITLES.get(locale.language, ()))}


def _forms(calendar: Any, widths: Sequence[str], number: int) -> list[str]:
    """Both grammatical forms, that of a date first."""
    contexts = ("format", "stand-alone")
    return list(dict.fromkeys(calendar[context][width][number] for width in widths for context in contexts))


_KINDS: Mapping[str, Callable[[Any], dict[str, list[str]]]] = {
    "months": _months,
    "days": _days,
    "cities": _cities,
    "countries": _countries,
    "languages": _languages,
    "titles": _titles,
}


def _any_of(names: Iterable[str]) -> str:
    """A pattern of any of some names, the longest first."""
    return "|".join(map(_bounded, sorted(names, key=len, reverse=True)))


def _bounded(name: str) -> str:
    """A pattern of where a name begins; one that has a small letter may begin a sentence."""
    first = f"[{name[0]}{name[0].upper()}]" if name[0].islower() else regex.escape(name[0])
    before = r"(?<!\d)" if name[0].isdigit() else "" if name[0] >= "\u2e80" else r"(?<!\w)"
    return f"{before}{first}{regex.escape(name[1:])}"


def _has_day(match: regex.Match[str], translation: str) -> bool:
    """Whether the day of a date stands in a translation, if it has one."""
    return not match["day"] or bool(regex.search(rf"(?<!\d)0*{int(match['day'])}(?!\d)", translation))


def _without_year(match: regex.Match[str]) -> tuple[int, int]:
    """Where a date stands beside which something else is hidden: "On May 15, {name} came"."""
    start, end = match.span("beside")
    return (end, match.end()) if start == match.start() else (match.start(), start)


def _begins(match: regex.Match[str]) -> bool:
    """Whether a name begins a sentence, where any word has a capital."""
    before = match.string[: match.start()].rstrip()
    return not before or before[-1] in _BEGINNINGS
