"""Pure values and decisions.

Law: standard library and msgspec only; no clock, no I/O, no async, no randomness. Time, dates and policy numbers are
arguments. Nothing raises except where raw text is parsed into a value.
"""
