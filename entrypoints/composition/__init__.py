"""The composition root: the only package that knows vendors, storage and dependency_injector, and puts them together.

`container` says what the parts are, `erps` and `making` make those that need more than a line, `serving` opens and
closes them, `commands` is what the command line asks for.
"""
