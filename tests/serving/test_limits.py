import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_apps.serving.limits import Limits, Refusal

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
        limits.check_instances([value])
    else:
        with pytest.raises(Refusal, match=f"Input 1: expected at most {most} characters"):
            limits.check_instances([value])


def test_no_input_and_too_many_are_refused():
    for instances, words in (([], "at least one"), (["a"] * 3, "at most 2 inputs. Received 3")):
        with pytest.raises(Refusal, match=words) as caught:
            Limits(max_instances=2).check_instances(instances)
        assert caught.value.status == 422


def test_nesting_deeper_than_python_can_recurse_is_counted():
    deep = "end"
    for _ in range(100_000):
        deep = [deep]
    Limits().check_instances([deep])


def test_a_file_is_no_text():
    Limits(max_text=10).check_instances([{"b64": "A" * 100}])
    with pytest.raises(Refusal, match="at most 10 characters"):
        Limits(max_text=10).check_instances([{"b64": "A", "text": "A" * 100}])
