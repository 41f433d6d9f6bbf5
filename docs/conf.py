"""The site: `make docs` builds it from README, these pages and the docstrings into site/; a warning is an error."""

from importlib import metadata

project = "RNN Apps"
copyright = "the authors of RNN Apps, MIT"
release = metadata.version("rnn-apps")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
include_patterns = ["README*.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md"]
source_suffix = {".md": "markdown"}
root_doc = "docs/index"
language = "en"

html_theme = "furo"
html_title = "RNN Apps"
html_show_sphinx = False

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
# examples of data are marked with their task and file; diagrams are drawn where the pages are read in a browser
suppress_warnings = ["misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring, napoleon_numpy_docstring = True, False
