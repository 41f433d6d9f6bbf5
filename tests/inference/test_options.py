import numpy as np
import pytest

from rnn_apps.errors import ConfigError
from rnn_apps.inference.options import Options, check_options, controls, json_schema, option
from rnn_apps.views import NumberOption


class Speech(Options):
    times: int = option(1, "How often.", NumberOption("Times", 1, 1, 4, 1), ge=1, le=4)
    volume: float | None = option(None, "How loud.", gt=0)
    voice: str = option("plain", "Whose.")


def test_values_become_options_and_numbers_of_numpy_are_numbers():
    assert check_options(Speech, {"times": np.int64(3), "volume": np.float32(0.5)}) == Speech(times=3, volume=0.5)
    assert check_options(Speech, {}) == Speech()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"times": 0}, r"Expected times to be a whole number of at least 1 and at most 4\. Received: 0\."),
        ({"times": 2.5}, r"Expected times to be a whole number .* Received: 2\.5\."),
        ({"times": True}, r"Expected times to be a whole number .* Received: True\."),
        ({"times": "2"}, r"Expected times to be a whole number .* Received: '2'\."),
        ({"volume": float("nan")}, r"Expected volume to be a number above 0\. Received: nan\."),
        ({"voice": 3}, r"Expected voice to be a text\. Received: 3\."),
        ({"tmes": 2}, r"There is no option 'tmes'\. Did you mean 'times'\? There are: times, volume, voice\."),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named_with_what_was_expected(values, message):
    with pytest.raises(ConfigError, match=message):
        check_options(Speech, values)


def test_a_predictor_without_options_says_so():
    with pytest.raises(ConfigError, match=r"There is no option 'beam'\. The model's task has none\."):
        check_options(Options, {"beam": 2})


def test_the_demo_page_has_a_control_where_a_field_names_one():
    assert controls(Speech) == {"times": NumberOption("Times", 1, 1, 4, 1)}
    assert json_schema(Speech)["properties"]["times"]["maximum"] == 4
