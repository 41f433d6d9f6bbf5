import asyncio
import shutil
import threading
import time

import pytest

from rnn_apps.bundle import find_bundle
from rnn_apps.model import load
from rnn_apps.serving.app import create_app
from rnn_apps.serving.models import ServedModels, watch
from rnn_apps.serving.settings import Limits, Settings

PATH = "/v1/models/{}:predict"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder `reviews` with the English sentiment model, and what puts another bundle there, as a save does."""
    folder = tmp_path / "reviews"
    shutil.copytree(find_bundle("sentiment").folder, folder)

    def replace(name, damage=False):
        fresh = shutil.copytree(find_bundle(name).folder, tmp_path / f".new{time.monotonic_ns()}")
        if damage:
            (fresh / "model.onnx").write_bytes(b"broken")
        folder.rename(tmp_path / f".old{time.monotonic_ns()}")
        fresh.rename(folder)

    return folder, replace


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_new_model_is_taken_and_no_request_is_dropped(place, serving):
    folder, replace = place
    settings = Settings((str(folder),), watch=True, demo=False, access_log=False)
    with serving(create_app(settings)) as client:
        statuses, running = [], True

        def ask():
            while running:
                statuses.append(client.post(PATH.format("reviews"), {"instances": ["这个酒店很好"]}).status)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        replace("sentiment-zh")
        until(lambda: client.get("/v1/models/reviews/versions/2").status == 200)
        running = False
        for thread in threads:
            thread.join()
        found = client.post(PATH.format("reviews"), {"instances": ["这个酒店很好"]}).json["predictions"]
    assert set(statuses) == {200}
    assert found == [prediction.model_dump() for prediction in load("sentiment-zh").predict(["这个酒店很好"])]


def test_a_broken_one_is_named_and_the_old_one_goes_on_until_a_whole_one_comes(place, caplog):
    folder, replace = place
    models = ServedModels([load(folder)], Limits())
    served = models.find("reviews")

    async def steps():
        watcher = asyncio.create_task(watch(models, seconds=0.01))
        await asyncio.sleep(0.05)
        for name, damage in (("sentiment-zh", True), ("sentiment-zh", False)):
            replace(name, damage)
            seen = len(caplog.records)
            while len(caplog.records) == seen:
                await asyncio.sleep(0.01)
            yield await served.answer(["这个酒店很好"], {})
        watcher.cancel()

    async def run():
        return [answer async for answer in steps()]

    expected = [load(name).predict(["这个酒店很好"]) for name in ("sentiment", "sentiment-zh")]
    assert asyncio.run(run()) == expected
    assert "model.onnx was changed" in caplog.records[0].message
    assert (served.version, caplog.records[1].message) == (2, "Took the new model 'reviews', version 2.")


def test_a_folder_that_is_gone_for_a_moment_changes_nothing(place):
    folder, _ = place
    models = ServedModels([load(folder)], Limits())

    async def run():
        watcher = asyncio.create_task(watch(models, seconds=0.01))
        await asyncio.sleep(0.05)
        away = folder.with_name("away")
        folder.rename(away)
        await asyncio.sleep(0.1)
        away.rename(folder)
        await asyncio.sleep(0.1)
        watcher.cancel()
        return await models.find("reviews").answer(["fine"], {})

    assert asyncio.run(run()) == load(folder).predict(["fine"])
    assert models.find("reviews").version == 1
