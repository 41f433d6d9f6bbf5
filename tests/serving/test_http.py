import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.serving.http import RequestError, check_instances
from rnn_apps.serving.settings import Limits

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def characters(value):
    """Counts as a definition would, with recursion."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(characters, value))
    if isinstance(value, dict):
        return sum(len(key) + characters(part) for key, part in value.items())
    return 0


@given(JSON, st.integers(0, 30))
@settings(max_examples=25)
def test_all_texts_of_an_input_count(value, most):
    limits = Limits(max_text=most)
    if characters(value) <= most:
        check_instances([value], limits)
    else:
        with pytest.raises(RequestError, match=f"Input 1: expected at most {most} characters"):
            check_instances([value], limits)


def test_no_input_and_too_many_are_refused():
    for instances, words in (([], "at least one"), (["a"] * 3, "at most 2 inputs. Received 3")):
        with pytest.raises(RequestError, match=words) as caught:
            check_instances(instances, Limits(max_instances=2))
        assert caught.value.status == 422


def test_nesting_deeper_than_python_can_recurse_is_counted():
    deep = "end"
    for _ in range(100_000):
        deep = [deep]
    check_instances([deep], Limits())


def test_a_file_is_no_text():
    check_instances([{"b64": "A" * 100}], Limits(max_text=10))
    with pytest.raises(RequestError, match="at most 10 characters"):
        check_instances([{"b64": "A", "text": "A" * 100}], Limits(max_text=10))
