"""Use cases: gather through ports, decide in the domain, act once, conclude with a value.

Law: async, but owns no I/O and no clock; knows the ports of `application.ports` and nothing behind them.
"""
