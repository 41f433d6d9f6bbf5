"""The built-in sample: short reviews written by a small grammar, in which only the order of the words decides.

Most texts have a twin of the other label made of exactly the same words: "The film was not dull, it was gripping."
and "The film was not gripping, it was dull." In the short ones each adjective is affirmed and denied, "The film was
dull." and "The film was not dull." A model that only counts words therefore stays near chance, and one that reads them
in order can learn all of it. A quarter are plain statements, which tell a model at the start of its training what the
adjectives mean. The texts are a sample to try the program on, not reviews by people.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

POSITIVE, NEGATIVE = "positive", "negative"
PAIRS = 1200  # a text and its twin
QUARTETS = 170  # short statements: praise, its negation, blame, its negation
STATEMENT_PAIRS = 500  # short statements: praise, blame

EXAMPLES: tuple[str, ...] = (
    "I expected the film to be dull, but it was gripping.",
    "The hotel was not only noisy, it was also far from clean.",
    "Although the battery was poor, I found the phone fast and reliable.",
)


@dataclass(frozen=True)
class Domain:
    """What reviews of one kind of thing talk about, in words that fit together."""

    things: tuple[str, ...]
    aspects: tuple[str, ...]
    praise: tuple[str, ...]
    blame: tuple[str, ...]
    advice: tuple[tuple[str, str], ...]  # (what one does with a good one, what one does with a bad one)
    settings: tuple[str, ...]  # sentences that say nothing about quality


DOMAINS = (
    Domain(
        things=("film", "movie", "comedy", "thriller"),
        aspects=("plot", "acting", "ending", "dialogue", "opening scene"),
        praise=("gripping", "funny", "moving", "clever", "charming"),
        blame=("dull", "predictable", "shallow", "tedious", "clumsy"),
        advice=(("watch", "skip"), ("recommend", "avoid")),
        settings=(
            "We saw it on a rainy Sunday.",
            "My brother chose it from a long list.",
            "It runs for about two hours.",
            "The cinema was half full that evening.",
            "I watched it with two friends from work.",
        ),
    ),
    Domain(
        things=("food", "pizza", "lunch", "breakfast"),
        aspects=("sauce", "bread", "salad", "dessert", "soup"),
        praise=("delicious", "fresh", "tasty", "rich", "perfect"),
        blame=("bland", "stale", "soggy", "greasy", "overcooked"),
        advice=(("order", "skip"), ("recommend", "avoid")),
        settings=(
            "We came in for a late lunch.",
            "Our table stood close to the window.",
            "It took about twenty minutes to arrive.",
            "My sister paid for all of us.",
            "The place opens at noon and closes at ten.",
        ),
    ),
    Domain(
        things=("hotel", "room", "apartment", "guest house"),
        aspects=("bathroom", "hall", "bedroom", "kitchen", "balcony"),
        praise=("clean", "quiet", "comfortable", "spacious", "cosy"),
        blame=("dirty", "noisy", "cramped", "shabby", "damp"),
        advice=(("book", "skip"), ("recommend", "avoid")),
        settings=(
            "We stayed for three nights in March.",
            "It is ten minutes from the station.",
            "We arrived after midnight by bus.",
            "I travelled with my parents and a small dog.",
            "Our window looked out over the river.",
        ),
    ),
    Domain(
        things=("book", "novel", "biography", "story"),
        aspects=("first chapter", "style", "last part", "main idea", "translation"),
        praise=("gripping", "witty", "touching", "vivid", "original"),
        blame=("boring", "predictable", "confusing", "tedious", "dry"),
        advice=(("read", "skip"), ("recommend", "avoid")),
        settings=(
            "I read it on the train to work.",
            "It has a little over three hundred pages.",
            "My teacher lent it to me last summer.",
            "It took me about a week.",
            "The cover shows a red boat on a lake.",
        ),
    ),
    Domain(
        things=("phone", "laptop", "camera", "tablet"),
        aspects=("screen", "battery", "keyboard", "speaker", "charger"),
        praise=("fast", "sturdy", "reliable", "solid", "handy"),
        blame=("slow", "flimsy", "fragile", "clumsy", "sluggish"),
        advice=(("keep", "return"), ("recommend", "avoid")),
        settings=(
            "I bought it in May for my daughter.",
            "It came in a plain brown box.",
            "I use it every day on the way to work.",
            "My old one was four years old.",
            "I have had it for about six weeks.",
        ),
    ),
    Domain(
        things=("concert", "show", "play", "musical"),
        aspects=("singing", "stage", "first half", "music", "lighting"),
        praise=("lively", "moving", "brilliant", "charming", "polished"),
        blame=("flat", "dull", "messy", "clumsy", "lifeless"),
        advice=(("see", "skip"), ("recommend", "avoid")),
        settings=(
            "We sat in the third row on the left.",
            "It began at eight and ended before eleven.",
            "My aunt gave us the tickets.",
            "It was the second evening of the tour.",
            "We went there straight after dinner.",
        ),
    ),
    Domain(
        things=("trip", "tour", "cruise", "excursion"),
        aspects=("route", "boat ride", "guide", "timetable", "first day"),
        praise=("relaxing", "exciting", "memorable", "pleasant", "perfect"),
        blame=("tiring", "chaotic", "dreary", "stressful", "boring"),
        advice=(("book", "skip"), ("recommend", "avoid")),
        settings=(
            "It started at nine near the old harbour.",
            "There were twelve of us and two children.",
            "We spent two days in the mountains.",
            "My cousin found it in a newspaper.",
            "The sun came out in the afternoon.",
        ),
    ),
    Domain(
        things=("course", "workshop", "lecture", "seminar"),
        aspects=("first hour", "material", "homework", "teacher", "last session"),
        praise=("clear", "useful", "inspiring", "practical", "lively"),
        blame=("confusing", "useless", "dull", "chaotic", "dry"),
        advice=(("choose", "skip"), ("recommend", "avoid")),
        settings=(
            "It took place on four evenings in spring.",
            "There were about thirty people in the room.",
            "I went with a colleague from the office.",
            "We met every Tuesday at seven.",
            "I had read two books about it before.",
        ),
    ),
)

# words that fit everything
PRAISE = ("good", "great", "excellent", "wonderful", "lovely")
BLAME = ("bad", "poor", "awful", "terrible", "disappointing")
NOUNS = (("triumph", "disaster"), ("success", "failure"), ("joy", "chore"), ("masterpiece", "mess"))
FEELINGS = (("love", "hate"), ("enjoy", "dislike"), ("admire", "regret"))

# In every pattern {x} decides and {y} does not: with praise for {x} and blame for {y} the review is positive, and
# the other way round negative. {thing} and {aspect} come from the domain.
OF_ADJECTIVES = (
    # negation and its scope
    "The {thing} was not {y}, it was {x}.",
    "The {thing} was {x}, it was not {y}.",
    "The {aspect} was {x} and not at all {y}.",
    "Not {y} but {x}, that is how I found the {thing}.",
    "The {thing} was never {y} and always {x}.",
    "I found the {aspect} {x}, never {y}.",
    "The {thing} is {x} without being {y}.",
    # not only ... but also
    "The {thing} was not only {x}, it was also not {y}.",
    "The {aspect} was not only {x} but also far from {y}.",
    "Not only was the {thing} {x}, the {aspect} was not {y} either.",
    # far from, anything but, hardly
    "The {thing} was {x} and far from {y}.",
    "Far from being {y}, the {thing} was {x}.",
    "The {thing} was anything but {y}, and the {aspect} was {x} too.",
    "The {aspect} was {x}, the {thing} anything but {y}.",
    "I would call the {thing} {x} and hardly {y}.",
    # contrast: the second part decides after "but", the main clause beside "although"
    "The {aspect} was {y}, but the {thing} was {x}.",
    "The {aspect} seemed {y}, but in the end the {thing} was {x}.",
    "It looked {y} at first, but then it turned out to be {x}.",
    "Although the {aspect} was {y}, the {thing} was {x}.",
    "The {thing} was {x}, although the {aspect} was {y}.",
    "Even though the {aspect} was {y}, I found the {thing} {x}.",
    "I found the {thing} {x}, even though the {aspect} was {y}.",
    "Despite the {y} {aspect}, the {thing} was {x}.",
    "The {thing} was {x} despite the {y} {aspect}.",
    # expectation against experience
    "I expected the {thing} to be {y}, it was {x}.",
    "The {thing} was {x}, I had expected it to be {y}.",
    "They told us it would be {y}, yet we found it {x}.",
    "My friends called the {thing} {y}, but I thought it was {x}.",
    "To me it was {x}, whatever my friends say about how {y} it was.",
    "The {thing} could have been {y}, instead it was {x}.",
    "Instead of {y} as they promised, the {aspect} was {x}.",
    # condition and degree
    "It would have been {y} if the {aspect} had not been so {x}.",
    "The {thing} is less {y} than {x}.",
    "The {thing} is more {x} than {y}.",
    # double negation
    "Nobody can say that the {thing} was not {x}, and nobody called it {y}.",
    "It is not true that the {thing} was {y}, it was never not {x}.",
    "I cannot call the {aspect} {y}, and I cannot say it was not {x}.",
)
OF_NOUNS = (
    "The {thing} was a {x}, not a {y}.",
    "The {thing} was not a {y}, it was a {x}.",
    "The {thing} was more of a {x} than a {y}.",
    "The {thing} was anything but a {y}, it was a {x}.",
    "I expected a {y}, but the {thing} was a {x}.",
    "They call it a {y}, but for me the {thing} was a {x}.",
)
OF_VERBS = (
    "You should {x} the {thing}, do not {y} it.",
    "Do not {y} the {thing}, just {x} it.",
    "I would {x} this {thing} rather than {y} it.",
    "I once wanted to {y} this {thing}, now I would {x} it.",
    "There is no reason to {y} the {thing}, so {x} it.",
)
OF_FEELINGS = (
    "I thought I would {y} the {thing}, but I {x} it.",
    "I {x} the {thing}, though I thought I would {y} it.",
    "I do not {y} the {thing}, I {x} it.",
    "I {x} this {thing} far more than I {y} it.",
    "My friends {y} the {thing}, but I {x} it.",
)

# Short statements, in which {is_} affirms or denies one adjective.
STATEMENTS = (
    "The {thing} {is_} {adjective}.",
    "This {thing} {is_} {adjective}, if you ask me.",
    "In my opinion the {thing} {is_} {adjective}.",
    "The {aspect} {is_} {adjective}.",
    "I must say the {aspect} {is_} {adjective}.",
)
AFFIRMED = ("is", "was", "is really", "was truly", "is always")
DENIED = ("is not", "was not", "is far from", "was anything but", "is never")


def examples() -> list[tuple[str, str]]:
    """Writes the sample.

    Returns:
        (label, text) for 4,080 different texts of 4 to 24 words, labels "positive" and "negative", half of each,
        shuffled; the same list at every call.
    """
    rng = random.Random(1997)
    written: dict[str, str] = {}
    for group, count in ((_pair, PAIRS), (_quartet, QUARTETS), (_statements, STATEMENT_PAIRS)):
        done = 0
        while done < count:
            texts = {text: label for label, text in group(rng)}
            if written.keys().isdisjoint(texts):
                written.update(texts)
                done += 1
    sample = [(label, text) for text, label in written.items()]
    rng.shuffle(sample)
    return sample


def _pair(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Writes a text and its twin: the same pattern with the deciding word and the other one changing places."""
    domain = rng.choice(DOMAINS)
    patterns, words = rng.choices(
        (
            (OF_ADJECTIVES, (_adjective(rng, domain.praise, PRAISE), _adjective(rng, domain.blame, BLAME))),
            (OF_NOUNS, rng.choice(NOUNS)),
            (OF_VERBS, rng.choice(domain.advice)),
            (OF_FEELINGS, rng.choice(FEELINGS)),
        ),
        weights=(16, 2, 1, 1),
    )[0]
    pattern = rng.choice(patterns)
    if rng.random() < 0.3:
        pattern = pattern.replace("was {x}", f"was {rng.choice(('really', 'truly', 'quite'))} {{x}}")
    thing, aspect = rng.choice(domain.things), rng.choice(domain.aspects)
    frame = _frame(rng, domain)
    for label, (x, y) in ((POSITIVE, words), (NEGATIVE, words[::-1])):
        yield label, frame.format(pattern.format(x=x, y=y, thing=thing, aspect=aspect))


def _quartet(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Writes praise and blame, each affirmed and denied, in one short statement."""
    yield from _statements(rng, (rng.choice(AFFIRMED), POSITIVE, NEGATIVE), (rng.choice(DENIED), NEGATIVE, POSITIVE))


def _statements(rng: random.Random, *verdicts: tuple[str, str, str]) -> Iterator[tuple[str, str]]:
    """Writes praise and blame in one short statement, once for each (verb, label of praise, label of blame)."""
    domain = rng.choice(DOMAINS)
    pattern, thing, aspect = rng.choice(STATEMENTS), rng.choice(domain.things), rng.choice(domain.aspects)
    frame = _frame(rng, domain)
    praise, blame = _adjective(rng, domain.praise, PRAISE), _adjective(rng, domain.blame, BLAME)
    for is_, label_of_praise, label_of_blame in verdicts or ((rng.choice(AFFIRMED), POSITIVE, NEGATIVE),):
        for adjective, label in ((praise, label_of_praise), (blame, label_of_blame)):
            yield label, frame.format(pattern.format(is_=is_, adjective=adjective, thing=thing, aspect=aspect))


def _adjective(rng: random.Random, of_domain: tuple[str, ...], of_all: tuple[str, ...]) -> str:
    return rng.choice(of_domain if rng.random() < 0.6 else of_all)


def _frame(rng: random.Random, domain: Domain) -> str:
    """Returns a format string that puts a text alone, or before or after a sentence about nothing in particular."""
    setting = rng.choice(domain.settings)
    return rng.choice(("{}", "{}", "{}", f"{setting} {{}}", f"{{}} {setting}"))
