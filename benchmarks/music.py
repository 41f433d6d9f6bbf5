"""How fast music is composed on one core, how like real music it is, and how much of it is copied.

    python benchmarks/music.py --data jsb-chorales-16th.json.gz [--model music] [--output benchmarks/results/music.json]

The data is divided into a training part, where copies are looked for, and a held-out one. 200 pieces of 30 seconds are
composed, seeds 0 to 199. Distances are total variations of the distributions in `tasks/music/report/statistics.py`, 0
for the same and 1 for nothing in common: of the composed pieces and the held-out ones; of the training pieces and the
held-out ones; of the two halves of the held-out pieces. A piece ends on the tonic where its last chord is the triad on
it, root lowest.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import median, print_table, seconds_of, write_result

import rnn_apps
from rnn_apps.tasks.music.report.copying import shared_passages
from rnn_apps.tasks.music.report.statistics import distances
from rnn_apps.tasks.music.scores.midi import midi_bytes
from rnn_apps.tasks.music.scores.piece import Piece
from rnn_apps.tasks.music.scores.reading import read_split, splits
from rnn_apps.tasks.music.scores.tonality import ends_on_tonic
from rnn_apps.tasks.music.sound.picture import png_bytes
from rnn_apps.tasks.music.sound.synthesis import synthesise

PIECES = 200
SECONDS = 30.0
QUARTERS = (2.0, 4.0, 8.0)


def first_note(model: rnn_apps.Model) -> float:
    """Returns the median of the seconds until the first note has come."""
    return median(seconds_of(lambda: next(model.stream(None, seconds=SECONDS))))


def beginning(piece: Piece, seconds: float) -> Piece:
    """Returns the first seconds of a piece."""
    frames = piece.frames[: round(seconds / piece.seconds_per_frame)]
    return Piece(piece.name, frames, piece.frames_per_quarter, piece.tempo, piece.metre, piece.articulated)


def copied(pieces: Sequence[Piece], training: Sequence[Piece]) -> dict[str, float]:
    """Returns the longest shared passages, in quarter notes, and the shares in passages of some lengths."""
    found = {quarters: shared_passages(pieces, training, quarters) for quarters in QUARTERS}
    longest = [shared.longest for shared in found[QUARTERS[0]]]
    shares = {
        f"share in passages of {quarters:.0f} quarter notes": float(np.mean([shared.share for shared in pieces_shared]))
        for quarters, pieces_shared in found.items()
    }
    return {"longest passage, median": median(longest), "longest passage": max(longest), **shares}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pieces in a training part and a held-out one")
    parser.add_argument("--model", default="music", help="a saved model of the task music")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/music.json"))
    arguments = parser.parse_args()

    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # one core for everything
    model = rnn_apps.load(arguments.model)
    drawing = {"temperature": arguments.temperature, "top_p": arguments.top_p}
    musics = [model.predict([None], seconds=SECONDS, seed=seed, restrike=False, **drawing)[0] for seed in range(PIECES)]
    composed = [music.piece() for music in musics]
    piece = composed[0]
    seconds = {
        f"composing {SECONDS:.0f} seconds": median(
            seconds_of(lambda: model.predict([None], seconds=SECONDS, seed=0, **drawing))
        ),
        "until the first note": first_note(model),
        "MIDI": median(seconds_of(lambda: midi_bytes(piece))),
        "sound, the built-in piano": median(seconds_of(lambda: synthesise(piece))),
        "picture": median(seconds_of(lambda: png_bytes(piece))),
    }
    training, held_out = (list(read_split(arguments.data, part)) for part in splits(arguments.data)[:2])
    apart = {
        "composed": distances(composed, held_out),
        "training pieces": distances(training, held_out),
        "two halves": distances(held_out[::2], held_out[1::2]),
    }
    endings = {
        name: float(np.mean([ends_on_tonic(piece) for piece in pieces]))
        for name, pieces in {"composed": composed, "training": training, "held out": held_out}.items()
    }
    shared = {
        "composed": copied(composed, training),
        "held out": copied([beginning(piece, SECONDS) for piece in held_out], training),
    }

    faster = SECONDS / next(iter(seconds.values()))
    print_table(
        [("one core", "seconds")]
        + [(name, f"{value:.3f}") for name, value in seconds.items()]
        + [("composing, times faster than real time", f"{faster:.1f}")]
    )
    print()
    print_table(
        [("distance", *apart)] + [(name, *(f"{apart[c][name]:.3f}" for c in apart)) for name in apart["composed"]]
    )
    print()
    print_table(
        [("copied", *shared)] + [(name, *(f"{shared[c][name]:.3f}" for c in shared)) for name in shared["composed"]]
    )
    print()
    print_table([("ends on the tonic", "share")] + [(name, f"{share:.3f}") for name, share in endings.items()])
    remarks = Counter(music.remark for music in musics if music.remark)
    for remark, count in remarks.items():
        print(f"{count} x {remark}")
    write_result(
        arguments.output,
        {"seconds": seconds, "times_real_time": faster, "drawing": drawing, "distances": apart, "copied": shared}
        | {"ends_on_tonic": endings},
    )


if __name__ == "__main__":
    main()
