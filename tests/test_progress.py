import pytest

from rnn_apps.progress import Reporter


def test_progress_goes_to_stderr(capsys):
    reporter = Reporter()
    reporter.stage("Data", "reviews.tsv")
    reporter.note("3 examples")
    assert list(reporter.track(range(3), "reading", 3)) == [0, 1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Data  reviews.tsv\n  3 examples\n"


def test_a_silent_reporter_writes_nothing(capsys):
    reporter = Reporter(enabled=False)
    reporter.stage("Data")
    reporter.note("note")
    with reporter.bar("reading", None) as bar:
        bar.advance(2, "half")
    assert capsys.readouterr() == ("", "")


def test_file_names_are_not_taken_for_markup(capsys):
    Reporter().stage("Data", "[red]reviews[/b].tsv")
    Reporter().note("reviews [1].tsv and [/x]")
    assert capsys.readouterr().err == "Data  [red]reviews[/b].tsv\n  reviews [1].tsv and [/x]\n"


def test_an_error_passes_through_a_bar():
    with pytest.raises(ZeroDivisionError), Reporter().bar("reading", 3) as bar:
        bar.advance(1 // 0)
