"""Use cases: gather through ports, decide in the domain, act once, conclude with a value.

Law: async, but owns no I/O and no clock; knows ports (`ports`, `outage_ports`, `notice_ports`, `console_ports`, `history`) and
nothing behind them.
"""
