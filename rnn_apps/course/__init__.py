"""A short course on recurrent networks whose pages are measured when they are made."""

from rnn_apps.course.course import LANGUAGES, course_text, make_course

__all__ = ["LANGUAGES", "course_text", "make_course"]
