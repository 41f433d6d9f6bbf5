"""Takes newly saved models while the server runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from rnn_apps.bundle import MANIFEST, read_bundle
from rnn_apps.model import Model
from rnn_apps.serving.served import ServedModel, ServedModels

logger = logging.getLogger("rnn_apps.serving")

Stamp = tuple[int, int, int]


async def watch(models: ServedModels, seconds: float = 1.0) -> None:
    """Looks for new bundles in the folders of the models, until it is cancelled.

    A bundle is written beside the old one and renamed, so that it is whole when it is seen. It is verified and loaded
    in another thread; requests go on with the old one until then, and where it is broken, for good.

    Args:
        models: the models of the server.
        seconds: between two looks.
    """
    stamps = {name: _stamp(served.model.bundle.folder) for name, served in models.items()}
    while True:
        await asyncio.sleep(seconds)
        for name, served in models.items():
            stamp = _stamp(served.model.bundle.folder)
            if stamp is not None and stamp != stamps[name]:
                stamps[name] = stamp
                await _renew(served)


async def _renew(served: ServedModel) -> None:
    try:
        served.replace(await asyncio.to_thread(_load, served.model.bundle.folder))
    except Exception as error:  # whatever is wrong with the new one, the old one answers
        logger.error("The new model '%s' is not taken, the old one goes on: %s", served.name, error)
    else:
        logger.warning("Took the new model '%s', version %d.", served.name, served.version)


def _load(folder: Path) -> Model:
    model = Model(read_bundle(folder))
    _ = model.predictor  # loads the graphs, here and not in the event loop
    return model


def _stamp(folder: Path) -> Stamp | None:
    """Returns what tells one saved bundle from the next; None between the two renames of a replacement."""
    try:
        facts = (folder / MANIFEST).stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
