"""Options of the commands that several processes can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def worker_options(what: str) -> Callable[[Function], Function]:
    """Adds the options that say how many workers there are, where they work, and with how many cores each.

    Args:
        what: they do, for the help.
    """

    def add(function: Function) -> Function:
        for option in reversed(
            (
                click.option("--workers", type=click.IntRange(1), metavar="N", help=f"{what} by N processes, on Ray."),
                click.option("--cluster", metavar="HOST:PORT", help="With --workers: on this Ray cluster, not here."),
                click.option(
                    "--cores-per-worker",
                    type=click.IntRange(1),
                    default=1,
                    metavar="K",
                    help="With --workers. Default: 1.",
                ),
            )
        ):
            function = option(function)
        return function

    return add
