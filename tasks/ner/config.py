"""Settings of the task `ner`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from rnn_apps.config import CellName, DataConfig, Section, TaskConfig, TrainingConfig


class NerModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of each direction's hidden state.
        layers: bidirectional layers, one upon the other.
        embedding: features of a word's vector; pretrained vectors bring their own number.
        tune_vectors: whether pretrained vectors are trained on.
        letter_embedding: features of a letter's vector.
        letter_filters: features of a word that come from its letters.
        pair_embedding: features of a pair of characters, where every token is one character.
        token_dropout: share of the words that are read as the unknown word in training.
        dropout: share of the features dropped before, between and behind the recurrent layers.
    """

    cell: CellName = "lstm"
    units: PositiveInt = 160
    layers: PositiveInt = 1
    embedding: PositiveInt = 80
    tune_vectors: bool = True
    letter_embedding: PositiveInt = 32
    letter_filters: PositiveInt = 64
    pair_embedding: PositiveInt = 48
    token_dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.5, ge=0.0, lt=1.0)


class NerDataConfig(DataConfig):
    """How sentences become numbers.

    Attributes:
        token: what a token is: "words", "characters" (Chinese, say), or "auto" to see it in the training data.
        vocabulary_size: words at most.
        min_count: occurrences that a word, a letter or a pair of characters needs; rarer words are unknown, and read
            by their letters.
        pairs: pairs of characters at most, where every token is one character.
        longest_word: letters of a word at most; of a longer one the middle is left out.
        max_training_tokens: longer training sentences are cut, never inside an entity.
        lowercased: share of the training sentences whose letters are read as small ones, other ones in each epoch.
        vectors: a file of pretrained word vectors in the text format of GloVe or word2vec.
    """

    beginnings: ClassVar[frozenset[str]] = frozenset({"vectors"})

    token: Literal["auto", "words", "characters"] = "auto"
    vocabulary_size: PositiveInt = 12000
    min_count: PositiveInt = 2
    pairs: PositiveInt = 12000
    longest_word: int = Field(default=18, ge=2)
    max_training_tokens: PositiveInt = 200
    lowercased: float = Field(default=0.1, ge=0.0, le=1.0)
    vectors: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_old_name(cls, values: Any) -> Any:
        """Models saved by version 0.1 call `token` "units"."""
        if isinstance(values, dict) and "units" in values:
            return {name: value for name, value in values.items() if name != "units"} | {"token": values["units"]}
        return values


class NerConfig(TaskConfig):
    """Settings of the task `ner`."""

    model: NerModelConfig = NerModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=20, batch_size=32, batch_tokens=2048, learning_rate=3e-3, schedule="cosine", patience=5
    )
    data: NerDataConfig = NerDataConfig()
