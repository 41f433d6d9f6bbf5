"""`rnnapps learn`: a short course whose pages are measured here and now."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import click

from rnn_apps.data.files import write_whole
from rnn_apps.errors import ConfigError, OutputError
from rnn_apps.progress import Reporter


@click.command()
@click.option("--output", type=click.Path(path_type=Path), help="Write the page here, and do not open it.")
@click.option("--language", default="en", metavar="en|zh", help="The language of the course.")
@click.option("--overwrite", is_flag=True, help="Replace an output that is there.")
def command(output: Path | None, language: str, overwrite: bool) -> None:
    """Open a short course on recurrent networks: seven pages, each measured on this machine in half a minute.

    Five shapes, a SimpleRNN with numbers, backpropagation through time, vanishing and exploding gradients, clipping,
    gates on a sentence, bidirectional and deep networks. The page works offline.
    """
    if output:
        if output.suffix.lower() != ".html":
            raise ConfigError(f"Expected an output that ends in .html. Received: {output}")
        if output.exists() and not overwrite:
            raise OutputError(f"{output} exists. Choose another name, or give --overwrite to replace it.")
        if not output.absolute().parent.is_dir():
            raise OutputError(f"{output} cannot be written: there is no folder {output.absolute().parent}.")
    from rnn_apps.environment import start_tensorflow

    start_tensorflow("The course")
    from rnn_apps.course import make_course

    page = make_course(language, Reporter())
    path = output or Path(tempfile.mkdtemp(prefix="rnnapps-")) / "course.html"
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}.") from error
    click.echo(path)
    if not output and not webbrowser.open(path.as_uri()):
        click.echo("No browser could be started: open the file above in one.", err=True)
