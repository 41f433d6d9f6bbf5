"""What is chosen and what is answered: frozen dataclasses, which a class becomes by deriving from `Record`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, dataclass_transform

from rnn_apps.errors import ConfigError

_HIDDEN = "hidden"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Record:
    """A frozen dataclass with keyword arguments; so is each class that derives from it, without a decorator."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            if type(value).__module__.startswith("pydantic"):  # which would be a default, or never be called
                raise ConfigError(
                    f"{cls.__qualname__}.{name} is written for pydantic. Options and predictions are dataclasses: "
                    "docs/extending.md says what to write."
                )
        dataclass(frozen=True, kw_only=True)(cls)

    @classmethod
    def names(cls) -> list[str]:
        """Returns the names of its fields."""
        return [own.name for own in fields(cls)]  # type: ignore[arg-type]

    def model_dump(self) -> dict[str, Any]:
        """Returns it as JSON has it: of mappings, lists, texts, numbers, truth values and None."""
        shown = [own.name for own in fields(self) if _HIDDEN not in own.metadata]  # type: ignore[arg-type]
        return {name: _plain(getattr(self, name)) for name in shown}


def hidden_list() -> Any:
    """Returns the field of a list that is no part of the JSON, of the repr and of what makes two records equal."""
    return field(default_factory=list, repr=False, compare=False, metadata={_HIDDEN: True})


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.model_dump()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
