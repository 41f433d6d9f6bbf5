"""Compiled loops and the threads that run them: how the layers are fast, without a word of what they compute.

The mathematics of a cell stands in `rnn_apps.layers`; here are the loops around its step (`recurrence.py`), on several
threads (`passes.py`), as one operation of a graph (`operation.py`), and what compiles them (`compiler.py`, `llvm.py`).
"""
