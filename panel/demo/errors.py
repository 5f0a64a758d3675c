class DemoError(Exception):
    """The demo cannot run. The message is one sentence that says why and what to do."""


class StopRequested(Exception):
    """Somebody asked us to stop while we were still starting."""
