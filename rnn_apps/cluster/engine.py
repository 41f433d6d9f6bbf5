"""Ray, started on this machine or joined, and what is made sure of before long work begins."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rnn_apps.environment import THREADS, threads
from rnn_apps.errors import ConfigError, DataError, MissingExtraError

ANSWER_SECONDS = 20.0
"""How long a cluster may take to answer."""

_PACKAGES = ("rnn-apps", "numpy", "onnxruntime", "tensorflow")


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        count: processes.
        cores: of each.
        address: of a cluster, HOST:PORT; Ray is started on this machine, and ended, where it is left out.
    """

    count: int
    cores: int = 1
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


def team(count: int | None, cores: int, address: str | None) -> Workers | None:
    """Returns the workers that a command asks for; None where it asks for none.

    Raises:
        ConfigError: if it says where or how they work, and not how many.
    """
    if count is None and (address or cores != 1):
        raise ConfigError("--cluster and --cores-per-worker say how workers work. Say how many with --workers N.")
    return None if count is None else Workers(count, cores, address)


@contextmanager
def engine(workers: Workers) -> Iterator[Any]:
    """Starts or joins Ray for the block; what was started is ended.

    Raises:
        ConfigError: if there are not as many cores, or the cluster does not answer.
        MissingExtraError: without the extra "cluster".
    """
    ray = require_ray()
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if workers.address:
        _check_address(workers.address)
        ray.init(address=workers.address, **quiet)
    else:
        _check_cores(workers, threads(), "this machine")
        ray.init(num_cpus=workers.count * workers.cores, include_dashboard=False, **quiet)
    try:
        if workers.address:
            _check_cores(workers, int(ray.cluster_resources().get("CPU", 0)), f"the cluster at {workers.address}")
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
    for found in ray.get([remote.remote([str(path) for path in paths]) for _ in range(workers.count)]):
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
    return {THREADS: str(workers.cores), "OMP_NUM_THREADS": str(workers.cores)}


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


def _check_address(address: str) -> None:
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        raise ConfigError(f"Expected the address of a cluster as HOST:PORT, such as 10.0.0.1:6379. Received: {address}")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"No cluster answers at {address} ({error}). Start one with: ray start --head --port={port}"
        ) from None


def _check_cores(workers: Workers, there: int, where: str) -> None:
    wanted = workers.count * workers.cores
    if wanted > there:
        of_cores = f" of {workers.cores} cores" if workers.cores > 1 else ""
        raise ConfigError(
            f"{workers.count} workers{of_cores} need {wanted} cores, and {where} has {there}. Ask for fewer."
        )
