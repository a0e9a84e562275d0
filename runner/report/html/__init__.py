"""`invoke report`: a run as one HTML page that needs only a browser, and no network."""

from runner.report.html.page import page

__all__ = ["page"]
