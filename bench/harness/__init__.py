"""The parts of the end-to-end benchmark; `bench.py` beside this folder puts them together."""
