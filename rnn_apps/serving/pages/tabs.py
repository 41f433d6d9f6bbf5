"""The tabs on which one tries the models of a server, made with Gradio from what each task says of itself."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # no word to anyone outside
import gradio as gr

from rnn_apps.data.drawing import fit_drawing
from rnn_apps.errors import DataError
from rnn_apps.html import VIEW_STYLE
from rnn_apps.inference.options import controls
from rnn_apps.serving.models import ServedModel, ServedModels
from rnn_apps.serving.pages import answers
from rnn_apps.serving.settings import Limits
from rnn_apps.views import Control, DrawingInput, FileInput, NumberOption, TextInput

STYLE = """
.example { font-weight: 400; justify-content: start; text-align: left; white-space: normal; }
.inside { width: 100%; height: 85vh; border: 1px solid var(--border-color-primary); border-radius: 8px; }
[aria-busy] { opacity: .6; transition: opacity .2s .3s; }
.pad { position: relative; width: min(100%, 20rem); }
.pad canvas { background: #fff; border: 1px solid var(--border-color-primary); border-radius: 8px; cursor: crosshair;
  display: block; touch-action: none; width: 100%; }
.pad .pen { border: 2px solid #888; border-radius: 50%; height: 1rem; left: 50%; pointer-events: none;
  position: absolute; top: 50%; transform: translate(-50%, -50%); visibility: hidden; width: 1rem; }
.pad canvas:focus-visible + .pen { visibility: visible; }
.pad canvas:focus-visible { outline: 3px solid var(--color-accent); }
.pad .pen.down { background: var(--color-accent); border-color: var(--color-accent); }
.pad + p { font-size: .85rem; margin: .3rem 0 .6rem; }
"""

_PAD = """<div class="pad"><canvas width="{width}" height="{height}" tabindex="0" role="application"
 aria-label="{label}" aria-describedby="pad-help"></canvas><div class="pen"></div></div>
<p id="pad-help">With the keyboard, arrows move the pen, space puts it down or lifts it, Delete wipes.</p>
<button type="button" class="secondary">Wipe</button>"""

_FINER = 4  # the pad has so many pixels for one of the model's, in each direction


def mount_tabs(app: FastAPI, models: ServedModels, limits: Limits) -> None:
    """Puts a page with a tab for each model at the root of an application."""
    with gr.Blocks(title="RNN Apps", analytics_enabled=False) as page:
        gr.Markdown("# RNN Apps")
        for served in models.values():
            with gr.Tab(served.name):
                _Tab(served).build()
    fonts = ["system-ui", "sans-serif"]  # none from elsewhere
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=limits.max_body,
        theme=gr.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"]),
        css=VIEW_STYLE + STYLE,
    )


class _Tab:
    """The tab of one model.

    Args:
        served: the model.
    """

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._view = served.model.predictor.input_view()
        self._controls = controls(served.model.predictor.Options)
        self._live = getattr(self._view.given, "live", isinstance(self._view.given, DrawingInput))

    def build(self) -> None:
        """Adds the components and says what happens when."""
        summary = self._served.model.task.summary
        gr.Markdown(f"{summary[:1].upper()}{summary[1:]}.")
        with gr.Row():
            with gr.Column(min_width=300):
                given = _input(self._view.given)
                options = [_option(option) for option in self._controls.values()]
                button = gr.Button(self._view.action, variant="primary")
                look = gr.Button("Look inside")
            with gr.Column(min_width=300):
                result = gr.HTML(
                    html_template='<div aria-live="polite"></div>', js_on_load=_script("answers"), request=None
                )
        examples = self._examples()
        if examples:
            gr.Markdown("Or try:")
        shown = [gr.Button(name, size="sm", elem_classes="example") for name in examples]
        inputs = [*([given] if given else []), *options]
        self._on(button.click, inputs, result)
        look.click(self._look, inputs, result, queue=False, api_visibility="private")
        if isinstance(self._view.given, TextInput):
            self._on(given.submit, inputs, result)
        if self._live:
            self._on(given.input, inputs, result, trigger_mode="always_last", show_progress="hidden")
        for example, value in zip(shown, examples.values(), strict=True):
            put = example.click(partial(_same, value), None, given, queue=False, api_visibility="private")
            self._on(put.then, inputs, result)

    def _on(self, event: Callable[..., Any], inputs: Sequence[Any], output: Any, **settings: Any) -> None:
        """Lets an event be answered."""
        event(self._request, inputs, output, queue=False, api_visibility="private", **settings)

    def _request(self, *values: Any) -> Any:
        """Tells the page what to ask for: what the components hold, as the input and options of a client."""
        rest = list(values)
        try:
            given = _given(self._view.given, rest.pop(0)) if self._view.given else None
        except DataError as error:
            return gr.HTML(request={"told": answers.told(error)})
        options = {
            name: _given(control, value) if isinstance(control, FileInput) else value
            for (name, control), value in zip(self._controls.items(), rest, strict=True)
        }
        return self._ask("answers", given, options)

    def _look(self, *values: Any) -> Any:
        """The same for a look inside, which takes no options."""
        try:
            given = _given(self._view.given, values[0]) if self._view.given else None
        except DataError as error:
            return gr.HTML(request={"told": answers.told(error)})
        return self._ask("inside", given, {})

    def _ask(self, door: str, given: Any, options: dict[str, Any]) -> Any:
        request = {"door": door, "name": self._served.name, "given": given, "options": options, "at": time.time()}
        return gr.HTML(request=request)

    def _examples(self) -> Mapping[str, Any]:
        """Returns what the input component can be filled with, by the text on a button."""
        examples = self._served.model.predictor.examples
        if isinstance(self._view.given, TextInput):
            return {example: example for example in examples}
        if isinstance(self._view.given, DrawingInput):
            scale = 255 / self._view.given.full_ink
            large = [np.kron(np.asarray(image) * scale, np.ones((_FINER, _FINER))) for image in examples]
            return {f"Example {number}": image.round().tolist() for number, image in enumerate(large, 1)}
        return {}


def _same(value: Any) -> Any:
    return value


def _input(view: TextInput | DrawingInput | FileInput | None) -> Any:
    """Adds the component that a person gives the input with."""
    match view:
        case TextInput():
            return gr.Textbox(label=view.label, lines=view.lines)
        case DrawingInput():
            height, width = view.shape
            template = _PAD.format(label=view.label, width=width * _FINER, height=height * _FINER)
            return gr.HTML(html_template=template, js_on_load=_script("drawing_pad"))
        case FileInput():
            return gr.File(label=view.label, file_types=list(view.suffixes), type="binary")
    return None


def _option(option: Control) -> Any:
    """Adds the component that an option is chosen with."""
    if isinstance(option, FileInput):
        return _input(option)
    if isinstance(option, NumberOption):
        return gr.Slider(option.low, option.high, option.default, step=option.step, label=option.label)
    return gr.Dropdown(list(option.choices), value=option.default, label=option.label)


def _script(name: str) -> str:
    return Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")


def _given(view: TextInput | DrawingInput | FileInput, value: Any) -> Any:
    """Returns the input that a client would send, from what a component holds.

    Raises:
        DataError: for what no component holds.
    """
    match view:
        case DrawingInput():
            return _drawn(view, value)
        case FileInput():
            return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else None
    return value or ""


def _drawn(view: DrawingInput, value: Any) -> list[list[float]]:
    height, width = view.shape
    try:
        ink = np.asarray(value or np.zeros((height * _FINER, width * _FINER)), np.float32) / 255
    except (TypeError, ValueError, OverflowError):
        ink = np.zeros(0, np.float32)
    if ink.shape != (height * _FINER, width * _FINER) or not np.isfinite(ink).all():
        raise DataError(f"Expected a drawing of {height * _FINER} rows of {width * _FINER} numbers.")
    if not (small := fit_drawing(ink, view.shape, view.margin)).any():
        raise DataError("There is nothing on the pad. Draw on it, or choose an example.")
    rows: list[list[float]] = (small * view.full_ink).tolist()
    return rows
