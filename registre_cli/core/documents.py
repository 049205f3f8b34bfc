"""The words of the domain that more than one room uses."""

from enum import StrEnum


class Source(StrEnum):
    """A kind of document that we read (`document_source`); also the mode of a worker."""

    INDEX = "index"
    ACTE = "acte"


# The line before each page in the stored texts; a page's own text never changes it.
PAGE_MARKER = "--- Page {number} ---"

# Between the cells of an index's row.
CELL_SEPARATOR = " | "
