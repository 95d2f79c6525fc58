"""The shells: HTTP, worker, command line, sandbox; and the one place where everything is put together.

Law: settings are read in `settings` alone, vendors are imported in `composition` alone.
"""
