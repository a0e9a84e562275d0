"""`invoke report`: a run as one page that needs nothing else: no network, no program but a browser."""

from runner.report.html.page import page

__all__ = ["page"]
