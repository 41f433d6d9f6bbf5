"""A wheel, installed beside what it declares and nothing else, predicts with every model that ships."""

import importlib.metadata as metadata
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROGRAM = """
import json, sys
import rnn_apps
from rnn_apps.bundle import model_folders

found = {}
for name in model_folders():
    model = rnn_apps.load(name)
    examples = [example for example in model.predictor.examples if example is not None] or [None]
    if model.task.name == "music":  # the others are read with an extra
        examples = [None]
    options = {"seconds": 1} if model.task.name == "music" else {}
    found[name] = len(model.predict(examples[:2], **options))
outside = [n for n in ("tensorflow", "keras", "numba", "pandas", "gradio", "scipy") if n in sys.modules]
print(json.dumps([found, outside, rnn_apps.__file__]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the wheel unpacked and links to the packages that it needs."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if not name.startswith(("tests/", "docs/", "benchmarks/")) and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", ".", "--no-build-isolation", "--no-deps", "--quiet", "-w", "dist"]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=200)
    (wheel,) = (source / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    for distribution in needed("rnn-apps"):
        for file in metadata.distribution(distribution).files or ():
            top, place = file.parts[0], Path(str(file.locate()))
            if top != ".." and not (site / top).exists():
                (site / top).symlink_to(Path(*place.parts[: len(place.parts) - len(file.parts) + 1]))
    return site


def needed(name, extras=frozenset()):
    """The names of all distributions that one needs without its extras."""
    from packaging.requirements import Requirement

    found = set()
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (extras or {""})
        )
        if wanted and requirement.name not in found:
            found |= {requirement.name} | needed(requirement.name, frozenset(requirement.extras))
    return found


def run(site, *arguments):
    """Runs Python with the folder and its own library alone, where no compiler can be found."""
    environment = {"PYTHONPATH": str(site), "PATH": "/nowhere", "HOME": str(site), "CC": "none"}
    return subprocess.run(
        [sys.executable, "-S", *arguments], cwd=site, env=environment, capture_output=True, text=True, timeout=200
    )


def test_every_shipped_model_predicts(site):
    result = run(site, "-c", PROGRAM)
    assert result.returncode == 0, result.stderr
    found, outside, place = json.loads(result.stdout)
    assert set(found) == {path.parent.name for path in (ROOT / "saved_models").glob("*/bundle.json") if tracked(path)}
    assert all(count >= 1 for count in found.values())
    assert outside == []
    assert Path(place).parent.parent == site


def tracked(path):
    command = ["git", "ls-files", "--error-unmatch", path]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def test_the_command_line_says_what_is_missing(site):
    call = "import sys; sys.argv[0] = 'rnnapps'; from rnn_apps.cli.main import main; main()"
    predicted = run(site, "-c", call, "predict", "sentiment", "A fine film.", "--json")
    assert predicted.returncode == 0, predicted.stderr
    assert json.loads(predicted.stdout)[0]["label"] == "positive"
    for arguments, extra in ((("train", "sentiment"), "train"), (("serve", "sentiment"), "serve")):
        result = run(site, "-c", call, *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert re.fullmatch(rf'Error: [^\n]* Run: pip install "rnn-apps\[{extra}\]"\n', result.stderr), result.stderr
