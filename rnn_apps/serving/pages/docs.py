"""The page at `/docs`: what the server can be asked, with commands to copy. It calls nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import orjson

from rnn_apps.serving.models import ServedModel

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.45 ui-monospace, monospace }
pre { padding: .75rem 1rem; overflow-x: auto; background: color-mix(in srgb, currentColor 8%, transparent) }
table { border-collapse: collapse; width: 100% }
td { padding: .3rem .75rem .3rem 0; vertical-align: top; border-top: 1px solid #8884 }
"""


def page(document: Mapping[str, Any], models: Mapping[str, ServedModel], address: str) -> str:
    """Returns the page as HTML.

    Args:
        document: the OpenAPI document.
        models: the models of the server.
        address: of the server, such as "http://127.0.0.1:8000".
    """
    routes = "".join(_groups(document))
    examples = "".join(_example(served, address) for served in models.values())
    title = escape(document["info"]["title"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape(document["info"]["description"])}</p>
<h2>Models</h2>
{examples}
<h2>Routes</h2>
{routes}
<p>The same for programs: <a href="openapi.json">openapi.json</a></p>
</body>
</html>
"""


def _groups(document: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            row = f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{escape(route['summary'])}</td></tr>"
            groups.setdefault(route["tags"][0], []).append(row)
    for name, rows in groups.items():
        yield f"<h3>{escape(name)}</h3>\n<table>{''.join(rows)}</table>\n"


def _example(served: ServedModel, address: str) -> str:
    task = served.model.task
    try:
        body = orjson.dumps(
            {"instances": [served.model.predictor.examples[0]]}, option=orjson.OPT_SERIALIZE_NUMPY
        ).decode()
    except (TypeError, IndexError):  # an input that JSON has no form for, or none is known
        body = '{"instances": [null]}'
    quoted = body.replace("'", "'\\''")
    command = f"curl {address}/v1/models/{served.name}:predict \\\n  -d '{quoted}'"
    return f"<h3>{escape(served.name)}</h3>\n<p>{escape(task.summary)}</p>\n<pre>{escape(command)}</pre>\n"
