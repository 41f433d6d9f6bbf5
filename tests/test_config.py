import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, PositiveInt, ValidationError

from rnn_apps.config import Section, TaskConfig, TrainingConfig, load_config
from rnn_apps.errors import ConfigError


class ModelConfig(Section):
    units: PositiveInt = 64
    cell: str = "lstm"
    names: dict[str, str] = Field(default={})


class Config(TaskConfig):
    model: ModelConfig = ModelConfig()


@pytest.fixture
def toml(tmp_path):
    def write(text):
        path = tmp_path / "settings.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_defaults_need_nothing():
    assert load_config(Config) == Config()


def test_single_settings_win_over_values_and_values_over_the_file(toml):
    file = toml("seed = 1\n[model]\nunits = 1\ncell = 'gru'\n[training]\nepochs = 1\n")
    config = load_config(
        Config, file, ["model.units=3"], {"model": {"units": 2}, "training": {"epochs": 2, "patience": 2}}
    )
    assert (config.seed, config.model.cell, config.model.units) == (1, "gru", 3)
    assert (config.training.epochs, config.training.patience) == (2, 2)


def test_a_section_of_a_section_is_merged_not_replaced(toml):
    file = toml("[training.clipping]\nkind = 'value'\n")
    config = load_config(Config, file, ["training.clipping.threshold=0.25"])
    assert config.training.clipping.kind == "value"
    assert config.training.clipping.threshold == 0.25


def test_the_last_of_two_equal_settings_wins():
    assert load_config(Config, settings=["model.units=3", "model.units=4"]).model.units == 4


def test_values_of_the_caller_stay_as_they_are():
    values = {"training": {"clipping": {"kind": "value"}}}
    before = copy.deepcopy(values)
    load_config(Config, settings=["training.clipping.threshold=3.0", "training.epochs=1"], values=values)
    assert values == before


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc"]), max_size=20))
def test_a_text_setting_may_leave_its_quotes_out(text):
    assert load_config(Config, settings=[f'model.cell="{text}"']).model.cell == text
    word = f"w{text.strip()}"
    assert load_config(Config, settings=[f"model.cell={word}"]).model.cell == word


@given(st.integers(1, 10**9))
def test_a_number_setting_is_a_number(number):
    assert load_config(Config, settings=[f"model.units={number}"]).model.units == number


def test_settings_survive_json():
    config = load_config(Config, settings=["model.units=3", "model.names.a=b", "training.clipping.kind=none"])
    assert load_config(Config, values=json.loads(config.model_dump_json())) == config


def test_settings_cannot_be_changed_after_checking():
    with pytest.raises(ValidationError):
        Config().seed = 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.unit=3", "There is no setting 'model.unit'. Did you mean 'units'?"),
        ("modle.units=3", "There is no setting 'modle'. Did you mean 'model'?"),
        ("model.q=3", "There is no setting 'model.q'. Known here: units, cell, names."),
        ("training.clipping.treshold=1", "There is no setting 'training.clipping.treshold'. Did you mean 'threshold'?"),
        ("training.batch_size=-1", "Setting 'training.batch_size': input should be greater than 0. Received: -1"),
        ("training.epochs=0", "Setting 'training.epochs': input should be greater than 0. Received: 0"),
        ("training.epochs=many", "Setting 'training.epochs': input should be a valid integer"),
        ("training.learning_rate=0", "Setting 'training.learning_rate'"),
        ("training.schedule=steps", "input should be 'constant', 'linear' or 'cosine'. Received: 'steps'"),
        ("data.validation_fraction=1.0", "Setting 'data.validation_fraction'"),
        ("training=3", "Setting 'training'"),
        ("training.epochs.x=3", "Setting 'training.epochs'"),
        ("seed=-1", "Setting 'seed'"),
        ("=3", "Expected a setting of the form section.name=value. Received: '=3'"),
        ("model.units", "Expected a setting of the form section.name=value. Received: 'model.units'"),
        (".=3", "There is no setting"),
    ],
)
def test_a_wrong_setting_is_named_with_its_cure(setting, message):
    with pytest.raises(ConfigError) as caught:
        load_config(Config, settings=[setting])
    assert message in str(caught.value)


def test_every_wrong_setting_is_named():
    with pytest.raises(ConfigError) as caught:
        load_config(Config, settings=["model.unit=3", "training.epochs=0"])
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["[model", b"\xff\xfe", "units 3"])
def test_a_file_that_is_no_toml_is_named(toml, text):
    path = toml(text)
    with pytest.raises(ConfigError, match="Expected a TOML file") as caught:
        load_config(Config, path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(ConfigError, match="There is no configuration file"):
        load_config(Config, tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="Expected a TOML file"):
        load_config(Config, tmp_path)


def test_the_defaults_of_training_are_valid_settings():
    assert TrainingConfig.model_validate(TrainingConfig().model_dump()) == TrainingConfig()


def test_one_setting_leaves_the_other_defaults_of_a_task_in_its_section():
    class Own(TaskConfig):
        training: TrainingConfig = TrainingConfig(epochs=3, schedule="linear")

    changed = load_config(Own, settings=["training.batch_size=7", "training.clipping.threshold=2"]).training
    assert (changed.epochs, changed.schedule, changed.batch_size) == (3, "linear", 7)
    assert (changed.clipping.kind, changed.clipping.threshold) == ("global_norm", 2.0)


def test_settings_that_are_no_mapping_are_told():
    with pytest.raises(ConfigError, match=r"Expected settings as a mapping of mappings, .* Received: str"):
        load_config(Config, values="settings.toml")
