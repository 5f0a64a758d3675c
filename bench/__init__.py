"""
How fast the panel is beside plain ways of doing the same, measured in one run: `make bench`, explained in README.md.

Nothing of the panel imports it. It drives the panel's own code through bench.engine.
"""
