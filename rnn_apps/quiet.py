"""Keeping the start-up noise of C++ libraries off the user's terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_native_stderr() -> Iterator[None]:
    """Discards what is written to file descriptor 2 inside the block.

    TensorFlow logs while it is imported, before it has read `TF_CPP_MIN_LOG_LEVEL`, past Python's `sys.stderr`.
    Exceptions are not touched.
    """
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed: nobody sees anything anyway
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as discarded:
        os.dup2(discarded.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
