"""Settings of the task `translation`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from rnn_apps.config import CellName, DataConfig, Section, TaskConfig, TrainingConfig


class TranslationModelConfig(Section):
    """The network.

    Attributes:
        cell: kind of the recurrent cell.
        units: width of a hidden state: of each direction of the encoder, and of the decoder.
        encoder_layers: bidirectional layers, one upon the other.
        embedding: features of a token's vector, which are those of the output layer too.
        score: how the attention compares: "additive" (Bahdanau) or "multiplicative" (Luong).
        attention_units: width of the attention's keys.
        input_feeding: whether the decoder also reads what it made of the attention's answer one step before.
        token_dropout: share of the tokens, of both languages, that are hidden in training.
        embedding_dropout: share of the features of tokens that are dropped, the same at every step of a sentence.
        dropout: share of the features dropped behind each layer of the encoder, likewise.
        output_dropout: share of the features dropped before the output layer, likewise.
    """

    cell: CellName = "gru"
    units: PositiveInt = 256
    encoder_layers: PositiveInt = 1
    embedding: PositiveInt = 256
    score: Literal["additive", "multiplicative"] = "additive"
    attention_units: PositiveInt = 256
    input_feeding: bool = False
    token_dropout: float = Field(default=0.05, ge=0.0, lt=1.0)
    embedding_dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    dropout: float = Field(default=0.4, ge=0.0, lt=1.0)
    output_dropout: float = Field(default=0.4, ge=0.0, lt=1.0)


class TranslationDataConfig(DataConfig):
    """How sentences become numbers.

    Attributes:
        source_language: what the source is written in, such as "en"; shown to people.
        target_language: the same of the target.
        vocabulary: one vocabulary for both languages ("joint"), two ("separate"), or "auto": one if both are written
            with mostly the same letters.
        vocabulary_size: subwords at most, of each vocabulary.
        lowercase: whether case is dropped.
        phrases: whether words and phrases are learnt from the pairs, too, for texts that are no sentences.
        max_tokens: subwords of a sentence at most; a longer one is cut.
        max_training_tokens: the same in training.
        bleu_tokenize: sacrebleu's tokenizer for BLEU: "13a" for plain text, "none" for text that is tokenised already,
            "zh" for Chinese.
    """

    source_language: str = ""
    target_language: str = ""
    vocabulary: Literal["auto", "joint", "separate"] = "auto"
    vocabulary_size: int = Field(default=8000, ge=100)
    lowercase: bool = False
    phrases: bool = False
    max_tokens: int = Field(default=256, ge=2)
    max_training_tokens: int = Field(default=100, ge=2)
    bleu_tokenize: Literal["13a", "none", "zh", "char", "intl"] = "13a"

    @model_validator(mode="after")
    def _two_languages(self) -> TranslationDataConfig:
        if self.source_language and self.source_language == self.target_language:
            raise ValueError(f"expected two languages, source and target are both '{self.source_language}'")
        return self


class TranslationConfig(TaskConfig):
    """Settings of the task `translation`."""

    model: TranslationModelConfig = TranslationModelConfig()
    training: TrainingConfig = TrainingConfig(
        epochs=10, batch_size=64, batch_tokens=3000, learning_rate=2e-3, schedule="cosine", warmup=0.05
    )
    data: TranslationDataConfig = TranslationDataConfig()
