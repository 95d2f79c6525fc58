"""Simulators of Huggy and of the ERPs as real HTTP servers on loopback, and the little city that they serve.

Law: nothing here imports `adapters`, `application` or `domain`. A simulator that shared a type with the adapter would
share its mistakes. Simulators are strict like the vendor: what it would refuse, they refuse.
"""
