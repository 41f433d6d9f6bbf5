"""A pandas table answered: its rows in, the same rows with their answers out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from rnn_apps.errors import DataError, did_you_mean
from rnn_apps.inference.predictor import Prediction, Predictor, answer_each
from rnn_apps.inference.table import free_name


def answer_frame(predictor: Predictor, frame: Any, text: str | None, options: Mapping[str, Any]) -> Any:
    """Returns a copy of a `pandas.DataFrame` with a column more for each field of the predictions.

    Args:
        predictor: what answers.
        frame: a table with a column of inputs.
        text: the name of that column.
        options: of the predictor.

    Raises:
        DataError: if `frame` is no table, has no such column, or none of its rows can be answered.
    """
    if not hasattr(frame, "columns") or not hasattr(frame, "assign"):
        raise DataError(f"Expected a pandas.DataFrame. Received: {type(frame).__name__}.")
    inputs = _column(frame, text).tolist()
    answers = answer_each(lambda given: predictor.predict(given, **options), inputs) if inputs else []
    failures = [(n, answer) for n, answer in enumerate(answers) if isinstance(answer, DataError)]
    if failures and len(failures) == len(answers):
        raise DataError(f"None of the {len(answers):,} rows can be answered. Row {frame.index[0]}: {failures[0][1]}")
    if failures:
        first = f"row {frame.index[failures[0][0]]}: {failures[0][1]}"
        warnings.warn(f"{len(failures):,} of {len(answers):,} rows were not answered; {first}", stacklevel=3)
    found = [answer.model_dump() if isinstance(answer, Prediction) else {} for answer in answers]
    names = dict.fromkeys(name for row in found for name in row)
    taken = dict.fromkeys(map(str, frame.columns))
    return frame.assign(**{free_name(name, taken): [row.get(name) for row in found] for name in names})


def _column(frame: Any, name: str | None) -> Any:
    known = list(map(str, frame.columns))
    if name is None and len(known) == 1:
        return frame.iloc[:, 0]
    if name is None:
        raise DataError(f"Which column is the input? Say it: text='{known[0] if known else ''}'. There are: {known}.")
    if known.count(name) != 1:
        there = "twice or more" if name in known else "not there"
        raise DataError(f"Expected one column '{name}'. It is {there}.{did_you_mean(name, known)} There are: {known}.")
    return frame.iloc[:, known.index(name)]
