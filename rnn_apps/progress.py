"""What long work tells the user, on stderr: stages, progress bars, notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 60.0


class Reporter:
    """Tells of the progress of long work.

    Args:
        enabled: without it nothing is written.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.console = Console(stderr=True, quiet=not enabled, highlight=False, soft_wrap=True)
        self._picture: Any = None

    def __reduce__(self) -> tuple[type[Reporter], tuple[bool]]:
        return Reporter, (False,)  # sent to another process, it has nobody to tell

    def stage(self, title: str, detail: str = "") -> None:
        """Says that a new stage of the work begins."""
        title = f"[bold]{escape(title)}[/bold]"
        self.console.print(f"{title}  {escape(detail)}" if detail else title)

    def note(self, text: str) -> None:
        """Writes one line below the current stage."""
        self.console.print(f"  {text}", markup=False)

    def picture(self, draw: Callable[[Path], None]) -> None:
        """Shows a picture in a notebook, in the place of the one before; elsewhere nothing is drawn.

        Args:
            draw: writes it into a .png.
        """
        if not self.console.is_jupyter or self.console.quiet:
            return
        from IPython.display import Image, display

        with TemporaryDirectory() as folder:
            path = Path(folder, "picture.png")
            draw(path)
            image = Image(path.read_bytes())
        if self._picture is None:
            self._picture = display(image, display_id=True)
        else:
            self._picture.update(image)

    @contextmanager
    def bar(self, title: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Shows a progress bar while the block runs; `total` may be unknown."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        # in a notebook a bar needs a widget to stand in
        drawn = self.console.is_terminal or (self.console.is_jupyter and find_spec("ipywidgets"))
        hidden = self.console.quiet or not drawn
        with Progress(*columns, console=self.console, transient=True, disable=hidden, refresh_per_second=5) as progress:
            task = progress.add_task(f"  {title}", total=total, completed=done, note="")
            yield Bar(progress, task, self.note if hidden else None)

    def track(self, items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
        """Yields the items with a progress bar beside."""
        with self.bar(title, total) as bar:
            for item in items:
                yield item
                bar.advance()


class Bar:
    """One running progress bar; where there is no terminal to draw it in, a line every minute.

    Args:
        progress: what draws it.
        task: its number there.
        write_line: writes a line where nothing is drawn.
    """

    def __init__(self, progress: Progress, task: TaskID, write_line: Callable[[str], None] | None) -> None:
        self._progress, self._task = progress, task
        self._write_line = write_line
        self._last_line = time.monotonic()

    def show(self, title: str, total: int | None, done: int, note: str) -> None:
        """Sets the bar to where another process stands."""
        self._progress.update(self._task, description=f"  {title}", total=total, completed=done, note=note)
        self.advance(0, note)

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Moves the bar, and changes the note behind it if one is given."""
        if note is None:
            self._progress.advance(self._task, steps)
        else:
            self._progress.update(self._task, advance=steps, note=note)
        if self._write_line and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            state = self._progress.tasks[0]
            of = "" if state.total is None else f"/{state.total:,.0f}"
            self._write_line(f"{state.description.strip()}: {state.completed:,.0f}{of}  {state.fields['note']}")


@cache
def tell_once(text: str) -> None:
    """Writes a line to stderr, the first time that it is asked for."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)
