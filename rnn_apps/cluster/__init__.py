"""Work on several cores or machines: Ray runs it, and this is the only room that imports Ray."""
