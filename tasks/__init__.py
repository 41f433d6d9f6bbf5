"""The tasks that come with RNN Apps, one folder each."""

TASKS = {
    "digits": "rnn_apps.tasks.digits.task:DigitsTask",
    "music": "rnn_apps.tasks.music.task:MusicTask",
    "ner": "rnn_apps.tasks.ner.task:NerTask",
    "sentiment": "rnn_apps.tasks.sentiment.task:SentimentTask",
    "translation": "rnn_apps.tasks.translation.task:TranslationTask",
}
"""Where each is; those of other packages are looked for among the entry points of all that is installed."""
