"""The folder of an unfinished run: whose it is, and whether one may go on in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rnn_apps.data.files import write_whole
from rnn_apps.errors import OutputError

_MARKER = "run.json"


def interrupted_run(work: Path) -> str | None:
    """Returns the fingerprint of the interrupted run that waits in a folder, if there is one."""
    marker = work / _MARKER
    return str(json.loads(marker.read_text())["fingerprint"]) if marker.exists() else None


def open_work(work: Path, output: Path, fingerprint: str, command: str, overwrite: bool) -> None:
    """Makes the folder of a run, or finds it as the same run has left it.

    Args:
        work: the folder.
        output: of the run, for messages.
        fingerprint: of the run.
        command: that started it.
        overwrite: throw another run away that waits there, and this one.

    Raises:
        OutputError: if another run waits there.
    """
    if not overwrite and (found := interrupted_run(work)):
        if found == fingerprint:
            return
        raise OutputError(
            f"An interrupted run with other settings or data waits for {output}. Repeat its command to go on "
            "with it, or discard it with --overwrite."
        )
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_whole(work / _MARKER, json.dumps({"fingerprint": fingerprint, "command": command}).encode())
