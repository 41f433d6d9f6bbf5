import json
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

import rnn_apps
from rnn_apps.errors import DataError, MissingExtraError
from rnn_apps.tasks.digits.pictures import SUFFIXES, read_picture
from rnn_apps.tasks.digits.sample import EXAMPLES

SHAPE = (8, 8)


def enlarged(image, times=30):
    """Pixels as on paper, from 0 for black to 255 for white, with much paper around."""
    large = np.kron(255 - image * 255 / 16, np.ones((times, times)))
    return np.pad(large, ((40, 90), (70, 20)), constant_values=255).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    def call(pixels, name="a.png", **options):
        picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        picture.save(tmp_path / name, **options)
        return tmp_path / name

    return call


@pytest.mark.parametrize("image", EXAMPLES)
def test_a_picture_of_a_digit_is_the_digit(save, image):
    np.testing.assert_allclose(read_picture(save(enlarged(image)), SHAPE, 0) * 16, image, atol=0.5)


def test_light_on_dark_is_the_same(save):
    pixels = enlarged(EXAMPLES[0])
    dark_on_light, light_on_dark = save(pixels, "a.png"), save(255 - pixels, "b.png")
    np.testing.assert_allclose(read_picture(dark_on_light, SHAPE, 0), read_picture(light_on_dark, SHAPE, 0), atol=1e-6)


def test_what_is_transparent_is_paper(save):
    pixels = enlarged(EXAMPLES[0])
    clear = np.zeros((*pixels.shape, 4), np.uint8)
    clear[..., 3] = 255 - pixels
    np.testing.assert_allclose(
        read_picture(save(clear), SHAPE, 0), read_picture(save(pixels, "b.png"), SHAPE, 0), atol=0.01
    )


def test_a_picture_of_the_models_size_is_taken_as_it_is(save):
    image = np.zeros(SHAPE)
    image[1:4, 5] = 16, 8, 16
    small = save((255 - image * 255 / 16).astype(np.uint8))
    np.testing.assert_allclose(read_picture(small, SHAPE, 0) * 16, image, atol=0.1)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_and_case_is_read(save, suffix, digits_model):
    path = save(enlarged(EXAMPLES[0]), f"zero{suffix.upper()}")
    predictor = rnn_apps.load(digits_model).predictor
    np.testing.assert_allclose(predictor.parse(str(path)), EXAMPLES[0], atol=1.5)


@given(st.integers(0, 2**32 - 1))
def test_the_shade_of_the_paper_and_grains_are_no_ink(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    pixels = enlarged(EXAMPLES[1])
    shade = np.linspace(*rng.uniform(0, 40, 2), pixels.shape[1])
    photo = (60 + pixels * 0.6 + shade + rng.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("photo") / "a.png"
    Image.fromarray(photo).save(path)
    np.testing.assert_allclose(read_picture(path, SHAPE, 0) * 16, EXAMPLES[1], atol=4.0)


def test_the_command_answers_a_picture_as_it_answers_its_pixels(save, rnnapps, digits_model):
    path = save(enlarged(EXAMPLES[2]))
    picture = rnnapps("predict", digits_model, path, "--json")
    rows = rnnapps("predict", digits_model, json.dumps(EXAMPLES[2].tolist()), "--json")
    assert picture.status == rows.status == 0
    assert json.loads(picture.stdout)[0]["label"] == json.loads(rows.stdout)[0]["label"]


def test_two_signs_are_refused(save):
    both = np.concatenate([enlarged(EXAMPLES[0]), enlarged(EXAMPLES[1])], axis=1)
    with pytest.raises(DataError, match=r"a.png shows 2 signs side by side. Cut it into pictures of one sign each."):
        read_picture(save(both), SHAPE, 0)


def test_a_speck_is_no_sign(save):
    pixels = enlarged(EXAMPLES[0])
    pixels[5:8, 3:6] = 0
    np.testing.assert_allclose(read_picture(save(pixels), SHAPE, 0) * 16, EXAMPLES[0], atol=0.5)


def test_specks_alone_are_refused(save):
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[::4, ::4] = 0
    with pytest.raises(DataError, match=r"a.png shows nothing but specks\. Take one sign"):
        read_picture(save(pixels), SHAPE, 0)


def test_an_empty_picture_is_refused(save):
    with pytest.raises(DataError, match=r"There is nothing to be seen on .*: its pixels are all alike"):
        read_picture(save(np.full((30, 30), 200, np.uint8)), SHAPE, 0)


def test_a_file_that_is_not_there_or_no_picture_is_told(tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*no.png"):
        read_picture(tmp_path / "no.png", SHAPE, 0)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text.png cannot be read as a picture"):
        read_picture(tmp_path / "text.png", SHAPE, 0)
    whole = tmp_path / "cut.png"
    picture = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(picture).ellipse((50, 20, 150, 180), outline=0, width=20)
    picture.save(whole)
    whole.write_bytes(whole.read_bytes()[:200])
    with pytest.raises(DataError, match=r"cut.png cannot be read as a picture"):
        read_picture(whole, SHAPE, 0)


def test_without_pillow_it_is_said_what_to_install(save, monkeypatch):
    path = save(enlarged(EXAMPLES[0]))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r'pip install "rnn-apps\[inspect\]"'):
        read_picture(path, SHAPE, 0)


def test_python_takes_a_path_and_no_text(save, digits_model):
    model, path = rnn_apps.load(digits_model), save(enlarged(EXAMPLES[0]))
    assert model.predict([path])[0] == model.predict([model.predictor.parse(str(path))])[0]
    (case,) = model.predictor.cases(path)
    np.testing.assert_allclose(case.arrays["image"][0] * 16, EXAMPLES[0], atol=0.5)
    with pytest.raises(
        DataError, match=r"input 1: expected rows of numbers, .* In Python a picture is given as pathlib.Path."
    ):
        model.predict([str(path)])


def test_the_shipped_model_reads_printed_digits(tmp_path):
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 80)
    paths = [tmp_path / f"{digit}.png" for digit in range(10)]
    for digit, path in enumerate(paths):
        picture = Image.new("L", (100, 120), 255)
        ImageDraw.Draw(picture).text((20, 10), str(digit), font=font, fill=0)
        picture.save(path)
    answers = rnn_apps.load("digits").predict(paths)
    assert sum(answer.label == str(digit) for digit, answer in enumerate(answers)) >= 9
