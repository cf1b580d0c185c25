"""A run as one page to look at: thumbnails with what was found, errors, throughput."""

from .page import Facts
from .report import Report, page_in

__all__ = ["Facts", "Report", "page_in"]
