"""Compiles loops, those of a cell first of all, once for each processor and version, and only when they first run.

The machine code is kept on disk in a folder of its own below the user's cache folder (see `rnn_apps.environment`),
which is named after the sources it was made from, all of this package's and those of the functions that are compiled:
Numba by itself looks at one file only, and would not notice a change in what that file imports.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import subprocess
import tempfile
import threading
import types as python_types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rnn_apps.environment import cache_folder
from rnn_apps.kernels import activations, matmul, packing, recurrence

logger = logging.getLogger(__name__)

# NaN and infinity must come through: a training loop tells a diverged run by them
FAST_MATH = {"contract", "reassoc", "nsz", "arcp"}
_LONGEST_WAIT = 120.0  # seconds, for another process that compiles
_lock = threading.RLock()
_underway: list[subprocess.Popen[bytes]] = []

Steps = tuple[Callable[..., None], Callable[..., None]]
"""A cell's step and its backward step."""


@dataclass(frozen=True)
class Kernels:
    """The compiled functions of one cell, named as in `recurrence`, `matmul` and `packing`."""

    forward: Callable[..., None]
    backward: Callable[..., None]
    pack: Callable[..., None]
    pack_transposed: Callable[..., None]
    index_steps: Callable[..., None]
    clear_masked: Callable[..., None]


@cache
def available() -> bool:
    """Whether Numba is there and works; where not, a line says so, once."""
    try:
        import llvmlite.binding as llvm
        import numba  # noqa: F401

        llvm.get_host_cpu_features()
    except Exception as error:  # not installed, or not for this processor, this Python or this NumPy
        logger.warning("Layers run step by step, which is slower: Numba cannot be used here (%s).", error)
        return False
    return True


def announced(name: str, steps: Steps, slots: Mapping[str, str]) -> Path:
    """Says that a cell is compiled, if it is for the first time; returns the file that is there when it is done.

    For the arguments see `load`.
    """
    return _announced(kept_in(steps), _label(name, slots), f"the {name} layer")


def expect(process: subprocess.Popen[bytes]) -> None:
    """Has `load` wait for a process that compiles."""
    _underway.append(process)


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_LONGEST_WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _label(name: str, slots: Mapping[str, str]) -> str:
    return "_".join([name, *(activation for _, activation in sorted(slots.items()))])


@cache
def _cell(name: str, steps: Steps, slots: tuple[tuple[str, str], ...]) -> Kernels:
    """Compiles a cell's loops with the steps put in, and the steps with the activations put in."""
    from numba import types as t

    label, folder = _label(name, dict(slots)), kept_in(steps)
    done = announced(name, steps, dict(slots))
    filled: dict[str, Any] = {}
    for slot, activation in slots:
        filled[slot], filled[f"{slot}_slope"] = activations.ACTIVATIONS[activation]
    roles = ("forward_step", "backward_step")
    own = {
        role: _compiled(folder, step, None, label, filled, fastmath=FAST_MATH)
        for role, step in zip(roles, steps, strict=True)
    }
    array, read, panels, vector, indices, _ = _array_types()
    number, flag = t.int64, t.boolean
    forward = t.void(
        read, indices, indices, panels, panels, vector, number, array, array, array, flag, array, number, array
    )
    backward = t.void(
        *(read, indices, indices, panels, panels, number, read, read, read, number, array),
        *(array, flag, array, array, vector, array, array, array),
    )
    result = Kernels(
        forward=_compiled(folder, recurrence.forward, forward, label, own),
        backward=_compiled(folder, recurrence.backward, backward, label, own),
        **_shared(),
    )
    done.touch()
    return result


def _announced(folder: Path, label: str, name: str) -> Path:
    """Says that something is compiled, if it is for the first time; returns the file to make when it is done."""
    done = folder / f"{label}.done"
    if not done.exists():
        logger.warning("Compiling %s for this processor, once (about 10 s; kept in %s).", name, done.parent)
    return done


@cache
def _loops(name: str, functions: tuple[tuple[Callable[..., None], str], ...]) -> list[Callable[..., None]]:
    """Compiles loops that are no cell's."""
    from numba import types as t

    array, read, _, vector, _, mask = _array_types()
    types = {
        "number": t.int64,
        "float": t.float32,
        "array": array,
        "read": read,
        "vector": vector,
        "read_vector": t.Array(t.float32, 1, "C", readonly=True),
        "tokens": t.Array(t.int32, 1, "C", readonly=True),
        "mask": mask,
    }
    folder = kept_in(tuple(function for function, _ in functions))
    done = _announced(folder, name, f"the {name.replace('_', ' ')}")
    result = [
        _compiled(folder, function, t.void(*map(types.__getitem__, words.split())), name, fastmath=FAST_MATH)
        for function, words in functions
    ]
    done.touch()
    return result


@cache
def _shared() -> dict[str, Any]:
    """Compiles what all cells use."""
    from numba import types as t
    from numba.extending import register_jitable

    from rnn_apps.kernels import llvm  # noqa: F401  (registers what is compiled by hand)

    for function in (activations.exp, *(f for pair in activations.ACTIVATIONS.values() for f in pair)):
        register_jitable(function)
    array, read, panels, _, indices, mask = _array_types()
    folder = kept_in(())
    return {
        "pack": _compiled(folder, matmul.pack, t.void(read, panels)),
        "pack_transposed": _compiled(folder, matmul.pack_transposed, t.void(read, panels)),
        "index_steps": _compiled(folder, packing.index_steps, t.void(mask, indices, indices, t.boolean, indices)),
        "clear_masked": _compiled(folder, packing.clear_masked, t.void(mask, indices, array)),
    }


def _array_types() -> tuple[Any, ...]:
    """Numba's types of a float array, a read-only one, panels, a vector, indices and a mask."""
    from numba import types as t

    return (
        t.Array(t.float32, 2, "C"),
        t.Array(t.float32, 2, "C", readonly=True),
        t.Array(t.float32, 3, "C"),
        t.Array(t.float32, 1, "C"),
        t.Array(t.int64, 1, "C"),
        t.Array(t.boolean, 2, "C", readonly=True),
    )


def _compiled(
    folder: Path, function: Any, signature: Any, label: str = "", parts: Mapping[str, Any] | None = None, **how: Any
) -> Any:
    """Compiles a copy of a function that sees `parts` in the place of globals of those names; keeps it in `folder`.

    Numba takes globals for constants, so the machine code has the parts built in; a name of its own keeps the copies
    apart in the cache. The caller holds the lock: the folder of the cache is a global setting of Numba.
    """
    import numba
    from numba.core import config

    name = f"{function.__name__}_{label}"
    copy = python_types.FunctionType(function.__code__, {**function.__globals__, **(parts or {})}, name)
    copy.__qualname__, copy.__module__ = name, function.__module__
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        # every function here has nogil: Numba's cache does not tell a function with it from one without
        return numba.njit(signature, nogil=True, error_model="numpy", cache=signature is not None, **how)(copy)
    finally:
        config.CACHE_DIR = before


def load(name: str, steps: Steps, slots: Mapping[str, str]) -> Kernels:
    """The compiled loops of a cell, from memory, from disk, or from the compiler.

    Args:
        name: the cell's name.
        steps: its step and its backward step.
        slots: names of activations in the steps, and which of `activations.ACTIVATIONS` stands in each.
    """
    with _lock:
        while _underway:
            _wait_for(_underway.pop())
        # the products must be known to Numba before a loop that calls them is compiled
        _shared()
        return _cell(name, steps, tuple(sorted(slots.items())))


def load_loops(name: str, *functions: tuple[Callable[..., None], str]) -> list[Callable[..., None]]:
    """Compiled loops that are no cell's, from memory, from disk, or from the compiler.

    Args:
        name: what they compute.
        functions: each with the kinds of its arguments in words: "number", "float", "array" and "read" (two axes),
            "vector" and "read_vector", "tokens" (int32, one axis), "mask" (two axes).
    """
    with _lock:
        _shared()
        return _loops(name, functions)


@cache
def kept_in(functions: tuple[Callable[..., None], ...]) -> Path:
    """The folder of the machine code of these functions; a temporary one if none can be written."""
    import llvmlite.binding as llvm
    import numba

    digest = hashlib.sha256(f"{numba.__version__} {llvm.get_host_cpu_name()}".encode())
    own = {Path(inspect.getsourcefile(function) or __file__) for function in functions}
    for source in sorted({*Path(__file__).parent.glob("*.py"), *own}):
        digest.update(source.read_bytes())
    folder = cache_folder() / f"kernels-{digest.hexdigest()[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="rnn_apps-"))
