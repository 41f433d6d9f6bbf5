"""One format of data files a module; each streams examples and names file and line in every complaint."""
