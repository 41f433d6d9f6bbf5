"""The OpenAPI document: every route with its errors, the models by name, and what can be chosen of each."""

import pytest
from fastapi.testclient import TestClient

from rnn_apps.serving.app import create_app
from rnn_apps.serving.settings import Settings


@pytest.fixture(scope="module")
def document():
    settings = Settings(("sentiment", "translation"), demo=False, access_log=False)
    with TestClient(create_app(settings)) as client:
        return client.get("/openapi.json").json()


def test_every_protocol_has_its_routes(document):
    assert {
        "/v1/models/{name}:predict",
        "/v1/models/{name}/versions/{version}:predict",
        "/v1/models/{name}:stream",
        "/v2/models/{name}/infer",
        "/v2/health/ready",
        "/metrics",
    } <= set(document["paths"])


def test_the_models_are_named_where_a_path_asks_for_one(document):
    for path, methods in document["paths"].items():
        for route in methods.values():
            names = [own["schema"] for own in route.get("parameters", ()) if own["name"] == "name"]
            assert bool(names) == ("{name}" in path)
            assert all(schema["enum"] == ["sentiment", "translation"] for schema in names)


def test_what_can_be_chosen_of_each_model_is_in_it(document):
    sentiment, translation = document["components"]["schemas"]["Options"]["anyOf"]
    assert sentiment["title"] == "Options of sentiment"
    assert translation["properties"]["beam"]["anyOf"][0]["maximum"] > 1
    assert translation["properties"]["beam"]["description"]


def test_a_route_that_predicts_names_its_errors(document):
    for path in ("/v1/models/{name}:predict", "/v2/models/{name}/infer", "/v1/models/{name}:stream"):
        assert {"400", "404", "413", "422", "503", "504"} <= set(document["paths"][path]["post"]["responses"])
