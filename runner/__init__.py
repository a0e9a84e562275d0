"""Which of my hosts are up, and what do they say to this command?"""

__version__ = "0.1.0"
