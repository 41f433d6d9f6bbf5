"""Times of day in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps.tasks.translation.clock_times import with_times_in_digits


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        ("en", "It's half past six, Quarter to one, and a quarter past 9.", "It's 6:30, 12:45, and 9:15."),
        ("en", "It takes about five to ten minutes, five minutes to ten minutes, at five to ten percent.", None),
        ("en", "Call by ten to five and at six ten in the morning.", "Call by 4:50 and at 6:10 in the morning."),
        ("zh", "这一点十分重要，有三点十分清楚，一点半点", "这一点十分重要，有三点十分清楚，一点半点"),
        ("zh", "三点十分的火车四点十分到。五点十五到了", "3:10的火车4:10到。5:15到了"),
        ("en", "We left at ten to five or twenty-five minutes after eight.", "We left at 4:50 or 8:25."),
        ("en", "Come at seven thirty-five, by ten fifteen.", "Come at 7:35, by 10:15."),
        ("en", "Open from ten to five, at seven o'clock.", "Open from ten to five, at seven o'clock."),
        ("en", "Half of two people, quarter to ten thousand, half past 7pm", None),
        (
            "en",
            "He died at seven thirty years ago, at ten to one odds",
            None,
        ),
        ("fr", "Il est trois heures moins le quart ; à une heure et demie.", "Il est 2:45 ; à 1:30."),
        ("fr", "À 8 h 05, vers dix heures vingt, à six heures moins cinq", "À 8:05, vers 10:20, à 5:55"),
        ("fr", "Une heure et demie plus tard, à trois heures.", None),
        ("zh", "现在是六点半，差一刻八点，八点差五分。", "现在是6:30，7:45，7:55。"),
        ("zh", "三点四十五分、3点05分、二十三点十分、下午两点一刻", "3:45、3:05、23:10、下午2:15"),
        ("zh", "十二点，三点五，三点一四，两三点半，二十五点十分", None),
        ("zh-Hant", "六點半", "6:30"),
        ("de", "Es ist half past six.", None),
    ],
)
def test_times_in_words_are_written_in_digits(language, text, shown):
    assert with_times_in_digits(text, language) == (text if shown is None else shown)


@given(hour=st.integers(1, 12), minute=st.integers(1, 29))
def test_minutes_are_counted_from_either_hour(hour, minute):
    assert with_times_in_digits(f"It's {minute} minutes past {hour}.", "en") == f"It's {hour}:{minute:02}."
    before = (hour - 2) % 12 + 1
    assert with_times_in_digits(f"It's {minute} minutes to {hour}.", "en") == f"It's {before}:{60 - minute:02}."
    assert with_times_in_digits(f"{hour}点{minute:02}分", "zh") == f"{hour}:{minute:02}"
