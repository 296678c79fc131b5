"""TM Forum Open API adapter for eTOM 1.3.7.6, Correct & Recover Customer Problem."""

__version__ = "0.1.0"
