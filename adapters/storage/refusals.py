"""Why a database can't be opened: sentences for the person who starts Ponte."""


class DatabaseRefused(Exception):
    """Its text is fit to be shown as it is."""


class DatabaseUnsupported(DatabaseRefused):
    pass


class DatabaseInUse(DatabaseRefused):
    pass


class DatabaseOutdated(DatabaseRefused):
    pass


class DatabaseNewer(DatabaseRefused):
    pass


class DatabaseUnreachable(DatabaseRefused):
    pass


class DatabaseUnusable(DatabaseRefused):
    """A file that can't be opened, or is none of a database."""


class DatabaseForeign(DatabaseRefused):
    """A file that another program keeps its tables in."""
