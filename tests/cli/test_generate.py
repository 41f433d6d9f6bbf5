def test_a_model_of_another_task_generates_nothing(rnnapps, digits_model, tmp_path):
    result = rnnapps("generate", digits_model)
    assert (result.status, result.stdout) == (2, "")
    assert "The task 'digits' of the model small-digits generates nothing. Tasks that do: music." in result.stderr


def test_a_model_that_is_not_there(rnnapps):
    result = rnnapps("generate", "muzak")
    assert (result.status, result.stdout) == (2, "")
    assert "There is no saved model 'muzak'." in result.stderr
