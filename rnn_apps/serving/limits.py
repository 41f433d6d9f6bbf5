"""What a client may ask for, and how a request that asks for more is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):  # noqa: N818 (an answer, no fault of the program)
    """A request that is not answered with predictions.

    Args:
        status: HTTP status.
        message: what was expected, and what came.
        headers: more headers of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    Attributes:
        max_batch: inputs that run together at most.
        max_delay_ms: how long a batch waits for as many inputs as the last one had, at most, in milliseconds.
        max_queue: inputs that wait or run, for one model.
        timeout: seconds until a request is given up.
        max_body: bytes of a request's body.
        max_instances: inputs of one request.
        max_text: characters of one input.
    """

    max_batch: int = 64
    max_delay_ms: float = 2.0
    max_queue: int = 256
    timeout: float = 30.0
    max_body: int = 4 * 2**20
    max_instances: int = 1024
    max_text: int = 20_000

    def check_instances(self, instances: Sequence[Any]) -> None:
        """Makes sure that the inputs of a request are neither none, nor too many, nor too long.

        Raises:
            Refusal: with status 422.
        """
        if not instances:
            raise Refusal(422, "Expected at least one input. Received none.")
        if len(instances) > self.max_instances:
            raise Refusal(422, f"Expected at most {self.max_instances:,} inputs. Received {len(instances):,}.")
        for number, instance in enumerate(instances, 1):
            length = len(instance) if isinstance(instance, str) else _characters(instance)
            if length > self.max_text:
                raise Refusal(
                    422, f"Input {number}: expected at most {self.max_text:,} characters. Received {length:,}."
                )


def _characters(value: Any) -> int:
    """Counts the characters of all strings in a JSON value; it may be nested deeper than Python can recurse."""
    count, rest = 0, [value]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            count += len(part)
        elif isinstance(part, list):
            rest += part
        elif isinstance(part, dict) and list(part) != ["b64"]:  # a file, which the bytes of the body bound
            rest += part.keys()
            rest += part.values()
    return count
