"""What can be chosen beside an input: one pydantic model a predictor, from which every door takes its checks and forms.

Python checks keyword arguments against it, the server JSON, its OpenAPI document shows its schema, the command line
has a flag for each of its fields, and the demo page a control for each field that names one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rnn_apps.errors import ConfigError, did_you_mean
from rnn_apps.views import ChoiceOption, FileInput, NumberOption

Control = NumberOption | ChoiceOption | FileInput

_KINDS = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}
_BOUNDS = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


class Options(BaseModel):
    """Options of a predictor; a field's description is its help."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )


OptionsT = TypeVar("OptionsT", bound=Options)


def option(default: Any, help: str, control: Control | None = None, **bounds: Any) -> Any:
    """Returns the field of an option.

    Args:
        default: its value where it is not chosen.
        help: what it does, as a sentence.
        control: how it is chosen on the demo page; it is not there without one.
        bounds: those of `pydantic.Field`: ge, gt, le, lt.
    """
    extra = None if control is None else _Control(control)
    return Field(default, description=help, json_schema_extra=extra, **bounds)


class _Control:
    """Carries a control in a field without showing it in the JSON schema."""

    def __init__(self, control: Control) -> None:
        self.control = control

    def __call__(self, schema: dict[str, Any]) -> None:
        """Leaves the schema as it is."""


def controls(options: type[Options]) -> dict[str, Control]:
    """Returns the controls of a demo page by the names of the options."""
    return {
        name: field.json_schema_extra.control
        for name, field in options.model_fields.items()
        if isinstance(field.json_schema_extra, _Control)
    }


def check_options(options: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """Returns the options that these values make.

    Raises:
        ConfigError: naming the first that does not exist or cannot be used, with what was expected.
    """
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    try:
        return options.model_validate(plain)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "value_error":  # a check of the task's own, in its own words
            raise ConfigError(str(problem["ctx"]["error"])) from None
        if problem["type"] == "extra_forbidden":
            raise ConfigError(_unknown(name, options)) from None
        expected = _expected(name, options)
        raise ConfigError(f"Expected {name} to be {expected}. Received: {problem['input']!r}.") from None


def _unknown(name: str, options: type[Options]) -> str:
    known = list(options.model_fields)
    has = f"There are: {', '.join(known)}." if known else "The model's task has none."
    return f"There is no option '{name}'.{did_you_mean(name, known)} {has}"


def _expected(name: str, options: type[Options]) -> str:
    """Says in words what a field takes, from its JSON schema."""
    schema: dict[str, Any] = options.model_json_schema()["properties"][name]
    choices = schema.get("anyOf", [schema])
    schema = schema | choices[0]
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    bounds = [words.format(f"{schema[bound]:g}") for bound, words in _BOUNDS.items() if bound in schema]
    return " ".join([_KINDS.get(schema.get("type", ""), "another value"), " and ".join(bounds)]).strip()
