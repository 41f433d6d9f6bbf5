import numpy as np

from rnn_apps.tasks.music.predictor import Composition
from rnn_apps.tasks.music.processor import MusicProcessor
from rnn_apps.tasks.music.report.report import PIECES, report
from rnn_apps.tasks.music.scores.piece import KEYS, Piece


class Copyist:
    """Composes what it is told to."""

    def __init__(self, pieces, cadences=0.0):
        self.processor = MusicProcessor(True, 4, 120.0, (4, 4), 0, {}, cadences=cadences)
        self.pieces = pieces
        self.composed = 0

    def request(self, given, options):
        return options.seed

    def compose(self, seed):
        self.composed += 1
        return Composition(self.pieces[seed % len(self.pieces)], "")


def random_pieces(count, seed):
    rng = np.random.default_rng(seed)
    return [Piece(f"{n}", (rng.random((64, KEYS)) < 0.04).astype(np.uint8)) for n in range(count)]


def row(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_copies_are_found_and_new_music_is_not_called_one():
    train, valid = random_pieces(6, 0), random_pieces(8, 1)
    copied = report(Copyist(train), train, valid)
    assert row(copied, "composed") == ["16.00 quarter notes", "16.00 quarter notes", "100.0%"]
    assert row(copied, "held out")[2] == "0.0%"
    new = report(Copyist(random_pieces(PIECES, 2)), train, valid)
    assert row(new, "composed")[2] == "0.0%"
    same = report(Copyist(valid), train, valid)
    assert row(same, "composed")[2] == "0.0%"
    assert 0 < float(row(same, "melodic intervals")[0]) < 0.3


def test_other_music_is_far_from_the_held_out():
    train, valid = random_pieces(6, 0), random_pieces(8, 1)
    drone = np.zeros((64, KEYS), np.uint8)
    drone[:, 40] = 1
    text = report(Copyist([Piece("drone", drone)] * PIECES), train, valid)
    assert float(row(text, "chord sizes")[0]) > 0.8
    assert "of the tonic" not in text


def test_endings_are_told_of_where_the_training_pieces_come_to_rest():
    train, valid = random_pieces(6, 0), random_pieces(8, 1)
    text = report(Copyist(train, cadences=0.5), train, valid)
    assert "Of 20 pieces that it composes, 0% end on the triad of the tonic" in text


def test_too_little_music_is_not_reported_on():
    copyist = Copyist(random_pieces(PIECES, 2))
    assert report(copyist, random_pieces(3, 0), random_pieces(PIECES, 1)) == ""
    assert not copyist.composed, "for nothing"
