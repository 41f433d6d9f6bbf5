import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs OpenTelemetry's exporter")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector():
    """What receives traces: its address, and what has come."""
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()


def test_requests_are_traced_where_the_environment_says_so_and_never_their_texts(serve_process, collector):
    address, received = collector
    process = serve_process(
        *("sentiment", "--no-demo"), OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_SERVICE_NAME="films-of-today"
    )
    body = {"instances": ["a secret film"]}
    assert process.client.post("/v1/models/sentiment:predict", body, traceparent=PARENT).status == 200
    assert process.stop() == 0
    (path, _), *_ = received
    assert path == "/v1/traces"
    traces = [resource for _, request in received for resource in request.resource_spans]
    assert "films-of-today" in str(traces[0].resource)
    spans = [span for resource in traces for scope in resource.scope_spans for span in scope.spans]
    (span,) = [span for span in spans if span.name == "POST /v1/models/{name}:predict"]
    assert span.trace_id.hex() == PARENT.split("-")[1]
    assert "secret" not in str(received)
