"""The outside world, one package per neighbour; each translates wire shapes to domain values once, at its edge.

Law: the packages in here do not know each other; what two of them need is handed over by `entrypoints.composition`.
"""
