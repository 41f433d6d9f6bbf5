"""Ray, started on this machine or joined, and what is made sure of before long work begins."""

from __future__ import annotations

import logging
import math
import os
import pickle
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rnn_apps.environment import THREADS, threads
from rnn_apps.errors import ConfigError, DataError, MissingExtraError, RnnAppsError, TrainingError

ANSWER_SECONDS = 20.0
"""How long a cluster may take to answer, and its machines to be there."""

MOST_FAILURES = 10
"""So often workers may die in one call; the same command then goes on."""

_AHEAD = 2
_PACKAGES = ("rnn-apps", "numpy", "onnxruntime", "tensorflow")


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        count: processes.
        cores: of each.
        gpus: of each.
        least: so few go on where others are lost; None where none may be.
        address: of a cluster, HOST:PORT; Ray is started on this machine, and ended, where it is left out.
    """

    count: int
    cores: int = 1
    gpus: int = 0
    least: int | None = None
    address: str | None = None


def require_ray() -> Any:
    """Returns Ray.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--workers", "cluster") from None
    return ray


def team(
    workers: int | None,
    cluster: str | None,
    cores_per_worker: int,
    gpus_per_worker: int = 0,
    elastic: int | None = None,
) -> Workers | None:
    """Returns the workers that a command asks for; None where it asks for none.

    Raises:
        ConfigError: if it says where or how they work, and not how many, or that more may be left than there are.
    """
    if workers is None:
        if cluster or cores_per_worker != 1 or gpus_per_worker or elastic:
            raise ConfigError(
                "--cluster, --cores-per-worker, --gpus-per-worker and --elastic say how workers work. Say how many "
                "with --workers N."
            )
        return None
    if elastic and elastic > workers:
        raise ConfigError(f"Of {workers} workers, --elastic {elastic} cannot be left. Ask for fewer.")
    if cluster:
        _show_token()
    return Workers(workers, cores_per_worker, gpus_per_worker, elastic, cluster)


@contextmanager
def engine(workers: Workers) -> Iterator[Any]:
    """Starts or joins Ray for the block; what was started is ended.

    Raises:
        ConfigError: if there are not as many cores, or the cluster does not answer.
        MissingExtraError: without the extra "cluster".
    """
    if workers.address:
        _show_token()
    ray = require_ray()
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if workers.address:
        _check_address(workers.address)
        try:
            ray.init(address=workers.address, **quiet)
        except (RuntimeError, ConnectionError) as error:  # another version of Ray or Python, among others
            raise ConfigError(f"The cluster at {workers.address} cannot be joined: {one_line(error)}") from None
    else:
        _check_size(workers, {"CPU": threads(), "GPU": math.inf}, "this machine")  # Ray counts the GPUs
        ray.init(address="local", num_cpus=workers.count * workers.cores, include_dashboard=False, **quiet)
    try:
        if workers.address:
            _wait_for_size(ray, workers, f"the cluster at {workers.address}")
        else:
            _check_size(workers, ray.cluster_resources(), "this machine")
        yield ray
    finally:
        ray.shutdown()


def check_workers(ray: Any, workers: Workers, paths: Sequence[Path]) -> None:
    """Makes sure that each worker has the packages of this process and sees its files.

    Raises:
        ConfigError: naming the package, and both versions.
        DataError: naming the file, and the machine that does not see it.
    """
    own = _facts([])
    remote = ray.remote(num_cpus=workers.cores, scheduling_strategy="SPREAD")(_facts)
    asked = [remote.remote([str(path) for path in paths]) for _ in range(workers.least or workers.count)]
    for found in ray.get(asked):
        for package, here in own["versions"].items():
            there = found["versions"][package]
            if here != there:
                raise ConfigError(
                    f"The worker on {found['machine']} has {package} {there}, and {here} is here. Install the same "
                    "version everywhere."
                )
        if found["missing"]:
            raise DataError(
                f"{found['missing'][0]} is not seen by the worker on {found['machine']}. Put it where all machines "
                "see it."
            )


def threads_of(workers: Workers) -> dict[str, str]:
    """Returns the environment of a worker: as many threads as it has cores."""
    return dict.fromkeys((THREADS, "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), str(workers.cores))


def spread_over(ray: Any, workers: Workers) -> Callable[[Callable[[int], Any], int], Iterator[Any]]:
    """Returns what calls a function for 0, 1, ... in the workers, a few numbers ahead, and yields the results in order.

    What is called by a worker that dies is called again.
    """

    def spread(function: Callable[[int], Any], count: int) -> Iterator[Any]:
        remote = ray.remote(
            num_cpus=workers.cores, max_retries=MOST_FAILURES, runtime_env={"env_vars": threads_of(workers)}
        )(_call)
        sent, waiting = ray.put(ray.cloudpickle.dumps(function)), deque[Any]()
        for number in range(count):
            waiting.append(remote.remote(sent, number))
            if len(waiting) > _AHEAD * workers.count:
                yield _next(ray, waiting)
        while waiting:
            yield _next(ray, waiting)

    return spread


def _next(ray: Any, waiting: deque[Any]) -> Any:
    """The next result.

    Raises:
        RnnAppsError: as the function that was called.
        TrainingError: if no worker has lived to its end.
    """
    try:
        return ray.get(waiting.popleft())
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, RnnAppsError) else error from None
    except ray.exceptions.RayError as error:  # a worker died again and again
        raise TrainingError(
            f"The workers could not prepare the data: {one_line(error)} The same command goes on from there."
        ) from None


def _call(function: bytes, number: int) -> Any:
    result = pickle.loads(function)(number)
    return list(result) if isinstance(result, Iterator) else result


def one_line(error: BaseException) -> str:
    """What an exception of Ray says, in a line."""
    return " ".join(str(error).split()) or type(error).__name__


def _facts(paths: Sequence[str]) -> dict[str, Any]:
    """What a process has: the machine it is on, versions of packages, and the paths that it does not see."""
    versions = {"Python": ".".join(map(str, sys.version_info[:2]))}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "none"
    missing = [path for path in paths if not Path(path).exists()]
    return {"machine": socket.gethostname(), "versions": versions, "missing": missing}


def _show_token() -> None:
    """Has this process show the token of a cluster, which Ray does not by itself; to be called before its import."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(named) if named else Path.home() / ".ray" / "auth_token"
    if "RAY_AUTH_MODE" not in os.environ and ("RAY_AUTH_TOKEN" in os.environ or path.exists()):
        os.environ["RAY_AUTH_MODE"] = "token"


def _check_address(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise ConfigError(f"Expected the address of a cluster as HOST:PORT, such as 10.0.0.1:6379. Received: {address}")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"No cluster answers at {address} ({error}). Start one with: ray start --head --port={port}"
        ) from None
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answered = subprocess.run(ask, timeout=ANSWER_SECONDS, capture_output=True).returncode == 0
    except subprocess.TimeoutExpired:
        answered = False
    if not answered:
        raise ConfigError(
            f"What listens at {address} does not answer like Ray {version('ray')}. Expected the address that `ray "
            "start --head` has printed, and its token (~/.ray/auth_token), if it has one, on this machine, too."
        )


def _wait_for_size(ray: Any, workers: Workers, where: str) -> None:
    """Makes sure that a cluster is large enough, or is so in a while: its machines may still be coming."""
    latest = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return _check_size(workers, ray.cluster_resources(), where)
        except ConfigError:
            if time.monotonic() > latest:
                raise
        time.sleep(0.5)


def _check_size(workers: Workers, there: Mapping[str, float], where: str) -> None:
    """Makes sure that there are as many cores and GPUs as are needed at least."""
    count = workers.least or workers.count
    for each, kind, name in ((workers.cores, "CPU", "cores"), (workers.gpus, "GPU", "GPUs")):
        found = there.get(kind, 0)
        if count * each > found:
            of_each = f" of {each} {name}" if each > 1 else ""
            raise ConfigError(
                f"{count} workers{of_each} need {count * each} {name}, and {where} has {found:g}. Ask for fewer."
            )
