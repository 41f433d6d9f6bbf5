"""The course: its numbers are those of the layers, its page is drawn in a browser, both languages say the same."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest

from rnn_apps.course import LANGUAGES, course_text, experiments, make_course
from rnn_apps.errors import ConfigError
from rnn_apps.progress import Reporter


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The course in both languages, its experiments cut short."""
    small = {
        "DISTANCES": (2, 4),
        "RADII": (1.0, 1.5),
        "UPDATES": 2,
        "GRADIENT_STEPS": 6,
        "KINDS": {"none": 1.0, "value": 0.1},
        "EXPLODING_UPDATES": 3,
        "EXPLODING_DISTANCE": 3,
        "TAGGING_UPDATES": 2,
    }
    folder = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in small.items():
            patch.setattr(experiments, name, value)
        page = make_course("en", Reporter(False))
    (folder / "en.html").write_text(page, encoding="utf-8")
    return folder


def test_the_tiny_network_follows_its_equation():
    tiny = experiments.tiny_network()
    state = np.zeros(3)
    for x, expected in zip(tiny.inputs, tiny.hidden, strict=True):
        state = np.tanh(tiny.Wax @ x + tiny.Waa @ state + tiny.ba)
        np.testing.assert_allclose(state, expected, atol=1e-6)
    assert tiny.output == pytest.approx((tiny.Wya @ state + tiny.by).item(), abs=1e-5)


def test_its_gradient_is_that_of_differences():
    tiny = experiments.tiny_network()

    def loss(step, state):
        for x in tiny.inputs[step + 1 :]:
            state = np.tanh(tiny.Wax @ x + tiny.Waa @ state + tiny.ba)
        return ((tiny.Wya @ state + tiny.by).item() - tiny.target) ** 2 / 2

    for step in range(5):
        for unit in range(3):
            moved = [tiny.hidden[step] + sign * 1e-4 * np.eye(3)[unit] for sign in (1, -1)]
            slope = (loss(step, moved[0]) - loss(step, moved[1])) / 2e-4
            assert tiny.gradients[step, unit] == pytest.approx(slope, abs=1e-3)


def test_a_gradient_through_an_orthogonal_matrix_keeps_its_length_where_nothing_is_squashed(monkeypatch):
    monkeypatch.setattr(experiments, "GRADIENT_STEPS", 8)
    monkeypatch.setitem(experiments.CELLS, "linear", lambda units: experiments.SimpleRNN(units, activation=None))
    for radius in (0.5, 1.0, 2.0):
        norms = experiments.gradient_by_distance("linear", radius)
        np.testing.assert_allclose(norms, radius ** np.arange(8), rtol=1e-4)


def test_clipping_holds_the_gradient_of_a_run():
    course = experiments.train(
        _model(),
        experiments.remembering(3),
        4,
        "global_norm",
        0.05,
        0.1,
    )
    assert max(course.clipped) <= 0.05 + 1e-6
    assert max(course.norms) > 0.05
    assert len(course.losses) == 4


def _model():
    x = keras.Input((None, experiments.SYMBOLS + 2))
    return keras.Model(x, keras.layers.Dense(experiments.SYMBOLS)(experiments.SimpleRNN(4)(x)))


def test_tags_compare_what_was_with_what_will_be():
    inputs, tags = experiments.tagging(np.random.default_rng(0))
    bits = inputs.argmax(axis=2)
    for step in range(tags.shape[1]):
        place = step + experiments.REACH
        np.testing.assert_array_equal(tags[:, step], bits[:, place - 2] != bits[:, place + 2])


def test_both_languages_say_the_same():
    texts = [
        tomllib.loads((files("rnn_apps.course") / f"{name}.toml").read_text(encoding="utf-8")) for name in LANGUAGES
    ]

    def shape(text, path=""):
        for name, value in text.items():
            if isinstance(value, dict) and name != "words":
                yield from shape(value, f"{path}{name}.")
            elif name != "words":
                words = " ".join(value) if isinstance(value, list) else value
                yield path + name, sorted(re.findall(r"\{\w+\}", words)), len(value) if isinstance(value, list) else 1

    assert list(shape(texts[0])) == list(shape(texts[1]))


def test_another_language_is_refused():
    with pytest.raises(ConfigError, match="one of en, zh"):
        course_text("fr")


def walk_through(browser, address, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    told = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(address)
    tabs = page.get_by_role("tab")
    assert tabs.count() == 7
    for number in range(7):
        tabs.nth(number).click()
        panel = page.get_by_role("tabpanel")
        for slider in panel.locator("input[type=range]").all():
            before = panel.inner_html()
            slider.focus()
            slider.press("ArrowLeft")
            changed = panel.inner_html() != before
            slider.press("End")
            assert changed or panel.inner_html() != before
        for select in panel.locator("select").all():
            for choice in range(min(select.locator("option").count(), 5)):
                select.select_option(index=choice)
        assert panel.locator("svg, table").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert told == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
def test_every_page_is_drawn_and_its_sliders_move_it(browser, pages, width, scheme):
    walk_through(browser, (pages / "en.html").as_uri(), width, scheme)


def test_the_command_refuses_what_it_cannot_do(fails, tmp_path):
    assert "ends in .html" in fails("learn", "--output", "course.pdf")
    assert "there is no folder" in fails("learn", "--output", "no/course.html")
    assert "one of en, zh" in fails("learn", "--output", "a.html", "--language", "de")
    (tmp_path / "there.html").write_text("mine")
    assert "--overwrite" in fails("learn", "--output", "there.html")


def test_the_command_writes_the_page(rnnapps, monkeypatch):
    import rnn_apps.course as course

    monkeypatch.setattr(course, "make_course", lambda language, reporter: f"<html lang={language}>")
    assert rnnapps("learn", "--output", "kurs.html", "--language", "zh").stdout == "kurs.html\n"
    assert Path("kurs.html").read_text() == "<html lang=zh>"
