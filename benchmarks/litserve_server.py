"""The peer of `serving.py`: the same ONNX file and tokenizer behind LitServe, with its own batching.

python benchmarks/litserve_server.py FOLDER PORT MAX_BATCH BATCH_TIMEOUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve
import onnxruntime as ort

from rnn_apps.data.batching import pad_batch
from rnn_apps.inference.probabilities import softmax
from rnn_apps.tasks.sentiment.processor import SentimentProcessor


class SentimentAPI(litserve.LitAPI):
    folder: Path  # of the bundle

    def setup(self, device: str) -> None:
        self.processor = SentimentProcessor.load(self.folder)
        # as whoever writes this by himself: the settings of ONNX Runtime, not ours
        self.session = ort.InferenceSession(str(self.folder / "model.onnx"), providers=["CPUExecutionProvider"])

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # LitServe reads the type of the body here
        return str(request["instances"][0])

    def batch(self, inputs: list[str]) -> list[str]:
        return inputs

    def unbatch(self, output: Any) -> Any:
        return list(output)

    def predict(self, texts: Any) -> Any:
        rows = list(self.processor.encode_inputs(texts if isinstance(texts, list) else [texts]))
        probabilities = softmax(self.session.run(["logits"], pad_batch(rows))[0])
        return probabilities if isinstance(texts, list) else probabilities[0]

    def encode_response(self, output: Any) -> dict[str, Any]:
        probabilities = dict(zip(self.processor.class_names, output.tolist(), strict=True))
        label = max(probabilities, key=probabilities.__getitem__)
        return {"predictions": [{"label": label, "probability": probabilities[label], "probabilities": probabilities}]}


if __name__ == "__main__":
    folder, port, max_batch, batch_timeout = sys.argv[1:]
    api = SentimentAPI(max_batch_size=int(max_batch), batch_timeout=float(batch_timeout))
    api.folder = Path(folder)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(port), log_level="warning", generate_client_file=False)
