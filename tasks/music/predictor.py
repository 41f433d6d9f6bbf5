"""Music from a saved model, frame by frame and in constant memory, without TensorFlow."""

# Signatures for the command line (`rnn_apps/cli/generate.py`); the bodies follow in the next commit.
#
# class Wish:                      (frozen dataclass in tasks/music/wish.py)
#     frames: int                      how many frames are wanted
#     temperature: float = 1.0
#     top_k: int = 0
#     top_p: float = 1.0
#     seed: int = 0
#     key: str = ""                    "C", "F#", "Bb", "a", "f#" (capital: major, small: minor); "" any
#     tempo: float | None = None       quarter notes a minute; None: the primer's or melody's, else the training data's
#     primer: Piece | None = None      continued; its frames come first in the result
#     melody: Piece | None = None      harmonised: its top voice is kept exactly, in pitch and articulation; the result
#                                      is as long as the melody (`frames` is not looked at)
#
# class MusicPredictor(Predictor):
#     processor: MusicProcessor        .frames_per_quarter, .tempo, .metre of the training data
#     def frames(self, wish: Wish) -> Iterator[Array]
#         """Yields uint8 (88,) a frame (0 silent, 1 struck, 2 held), primer first; constant memory."""
#     def compose(self, wish: Wish) -> Composition
#         """Composition(piece: Piece, reason: str): reason is "" or why the music ended early / what is odd in it:
#         "silent for 64 frames", "the last 16 frames repeat for the 4th time"."""
#     def predict(self, inputs: Sequence[Piece | None], *, seconds=30.0, temperature=.., ..., melody=None) -> list[Music]
#     def stream(self, given: Piece | None, **options) -> Iterator[Music]     a note a part, last the whole
#     def nats(self, piece: Piece) -> Array       nats of each frame, (time,)
