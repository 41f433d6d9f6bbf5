"""What Prometheus is told at `/metrics`."""

from __future__ import annotations

import os

from fastapi import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from rnn_apps.serving.batching import Meter

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"  # where the processes of one server write their numbers


class ServerMetrics(Meter):
    """Counts requests, errors, time and batches of one process, and gives those of all of them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "rnnapps_requests", "Requests by status.", ("model", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "rnnapps_request_seconds",
            "Time to answer a request.",
            ("model", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._sizes = Histogram(
            "rnnapps_batch_size", "Inputs that ran together.", ("model",), buckets=_SIZES, registry=self._registry
        )
        self._pending = Gauge(
            "rnnapps_pending_inputs",
            "Inputs that wait or run.",
            ("model",),
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._counters: dict[
            tuple[str, str, int], tuple[Counter, Histogram | None]
        ] = {}  # found once; looking up is slow
        if MULTIPROCESS not in os.environ:
            ProcessCollector(registry=self._registry)

    def request(self, model: str, route: str, status: int, seconds: float) -> None:
        """Counts one request; `model` and `route` are empty where it asked for none that there is."""
        counters = self._counters.get((model, route, status))
        if counters is None:
            times = self._seconds.labels(model, route) if model else None
            counters = self._requests.labels(model, route, status), times
            self._counters[model, route, status] = counters
        count, times = counters
        count.inc()
        if times is not None:
            times.observe(seconds)

    def batch(self, model: str, size: int) -> None:
        """Counts one batch."""
        self._sizes.labels(model).observe(size)

    def pending(self, model: str, change: int) -> None:
        """Counts inputs that come or go."""
        self._pending.labels(model).inc(change)

    def response(self) -> Response:
        """Returns everything in Prometheus' text format."""
        registry = self._registry
        if MULTIPROCESS in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
