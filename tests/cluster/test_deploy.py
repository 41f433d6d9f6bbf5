"""What deploy/ holds fits what is published: pods the schema of Kubernetes, all else the fields of KubeRay's v1."""

import shlex
import subprocess
from pathlib import Path

import click
import pytest
from pydantic import BaseModel, ConfigDict

from rnn_apps.cli.main import cli

yaml = pytest.importorskip("yaml")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

DEPLOY = Path(__file__).parents[2] / "deploy"


class Strict(BaseModel):
    """Fields of KubeRay's ray-operator/apis/ray/v1, as far as they are used; another one is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Template(Strict):
    spec: dict


class HeadGroup(Strict):
    rayStartParams: dict[str, str]
    template: Template


class WorkerGroup(Strict):
    groupName: str
    replicas: int
    minReplicas: int
    maxReplicas: int
    rayStartParams: dict[str, str]
    template: Template


class ClusterSpec(Strict):
    rayVersion: str
    headGroupSpec: HeadGroup
    workerGroupSpecs: list[WorkerGroup]


class JobSpec(Strict):
    entrypoint: str
    backoffLimit: int
    shutdownAfterJobFinishes: bool
    ttlSecondsAfterFinished: int
    rayClusterSpec: ClusterSpec


class Resource(Strict):
    apiVersion: str
    kind: str
    metadata: dict[str, str]


class Cluster(Resource):
    spec: ClusterSpec


class Job(Resource):
    spec: JobSpec


def cluster_of(name):
    """The text of a file, what it is, and its cluster."""
    text = (DEPLOY / name).read_text()
    found = yaml.safe_load(text)
    assert found["apiVersion"] == "ray.io/v1"
    if found["kind"] == "RayJob":
        return text, Job(**found), Job(**found).spec.rayClusterSpec
    assert found["kind"] == "RayCluster"
    return text, Cluster(**found), Cluster(**found).spec


@pytest.mark.parametrize("name", ["rayjob.yaml", "raycluster.yaml"])
def test_pods_and_fields_are_those_that_are_published(name):
    _, _, cluster = cluster_of(name)
    for group in (cluster.headGroupSpec, *cluster.workerGroupSpecs):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": group.template.spec}
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
        volumes = {volume["name"] for volume in group.template.spec["volumes"]}
        assert {own["name"] for own in group.template.spec["containers"][0]["volumeMounts"]} <= volumes
    ray = pytest.importorskip("ray")
    assert cluster.rayVersion.split(".")[0] == ray.__version__.split(".")[0]


@pytest.mark.parametrize("name", ["rayjob.yaml", "raycluster.yaml"])
def test_the_command_is_one_and_its_workers_fit_the_cluster(name):
    text, found, cluster = cluster_of(name)
    if isinstance(found, Job):
        words = shlex.split(found.spec.entrypoint)
    else:
        commented = " ".join(line.removeprefix("#") for line in text.splitlines() if line.startswith("#"))
        words = shlex.split(commented[commented.index("-- rnnapps") + 3 :].split("  # ")[0].replace("\\ ", ""))
        words = words[: words.index("127.0.0.1:6379") + 1]
    with click.Context(cli, **cli.context_settings) as context:
        name, command, rest = cli.resolve_command(context, words[1:])
        asked = command.make_context(name, rest, parent=context).params
    (group,) = cluster.workerGroupSpecs
    cores = int(group.template.spec["containers"][0]["resources"]["limits"]["cpu"])
    assert asked["workers"] * asked["cores_per_worker"] <= group.replicas * cores
    assert (asked.get("elastic") or asked["workers"]) * asked["cores_per_worker"] <= group.minReplicas * cores


def test_the_slurm_script_is_one():
    subprocess.run(["bash", "-n", DEPLOY / "slurm.sh"], check=True)
