"""What can be chosen beside an input: one record a predictor, from which every door takes its checks and forms.

Python checks keyword arguments against it, the server JSON, its OpenAPI document shows its schema, the command line
has a flag for each of its fields, and the demo page a control for each field that names one. What was given is checked
by pydantic, which is loaded only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_type_hints

import numpy as np

from rnn_apps.errors import ConfigError, did_you_mean
from rnn_apps.inference.records import Record

if TYPE_CHECKING:
    from pydantic import BaseModel

    from rnn_apps.views import Control

_FACTS = "option"
_KINDS = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}
_BOUNDS = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


class Options(Record):
    """Options of a predictor; what does not go together, its `__post_init__` refuses with a `ConfigError`."""


OptionsT = TypeVar("OptionsT", bound=Options)


class OptionFacts(NamedTuple):
    """What is known of an option beside its type and default, see `option`."""

    help: str
    control: Control | None
    bounds: Mapping[str, Any]


def option(default: Any, help: str, control: Control | None = None, **bounds: Any) -> Any:
    """Returns the field of an option.

    Args:
        default: its value where it is not chosen.
        help: what it does, as a sentence.
        control: how it is chosen on the demo page; it is not there without one.
        bounds: those of `pydantic.Field`: ge, gt, le, lt, max_length.
    """
    return field(default=default, metadata={_FACTS: OptionFacts(help, control, bounds)})


def option_facts(options: type[Options]) -> dict[str, OptionFacts]:
    """Returns what is known of each option, by its name."""
    return {own.name: own.metadata.get(_FACTS, OptionFacts("", None, {})) for own in fields(options)}


def controls(options: type[Options]) -> dict[str, Control]:
    """Returns the controls of a demo page by the names of the options."""
    return {name: facts.control for name, facts in option_facts(options).items() if facts.control is not None}


def check_options(options: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """Returns the options that these values make.

    Raises:
        ConfigError: naming the first that does not exist or cannot be used, with what was expected.
    """
    if not values:
        return options()
    from pydantic import ValidationError

    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}
    try:
        checked = _checker(options).model_validate(plain)  # type: ignore[arg-type]
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            raise ConfigError(_unknown(name, options)) from None
        expected = _expected(name, options)
        raise ConfigError(f"Expected {name} to be {expected}. Received: {problem['input']!r}.") from None
    return options(**{name: getattr(checked, name) for name in plain})


def json_schema(options: type[Options]) -> dict[str, Any]:
    """Returns the JSON schema of a predictor's options."""
    return _checker(options).model_json_schema()  # type: ignore[arg-type]


@cache
def _checker(options: type[Options]) -> type[BaseModel]:
    """Returns the pydantic model of a predictor's options."""
    from pydantic import ConfigDict, Field, create_model

    hints, facts = get_type_hints(options), option_facts(options)
    checked: dict[str, Any] = {
        own.name: (
            hints[own.name],
            Field(own.default, description=facts[own.name].help, **facts[own.name].bounds),
        )
        for own in fields(options)
    }
    config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True, protected_namespaces=()
    )
    return create_model(options.__name__, __config__=config, __doc__=options.__doc__, **checked)


def _unknown(name: str, options: type[Options]) -> str:
    known = options.names()
    has = f"There are: {', '.join(known)}." if known else "The model's task has none."
    return f"There is no option '{name}'.{did_you_mean(name, known)} {has}"


def _expected(name: str, options: type[Options]) -> str:
    """Says in words what a field takes, from its JSON schema."""
    schema: dict[str, Any] = json_schema(options)["properties"][name]
    choices = schema.get("anyOf", [schema])
    schema = schema | choices[0]
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    bounds = [words.format(f"{schema[bound]:g}") for bound, words in _BOUNDS.items() if bound in schema]
    return " ".join([_KINDS.get(schema.get("type", ""), "another value"), " and ".join(bounds)]).strip()
