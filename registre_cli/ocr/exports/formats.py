"""The forms, and which of them are made where the PDF is read."""

from enum import StrEnum

from registre_cli.ocr.models import DocumentReading


class OutputFormat(StrEnum):
    """In what form a reading is written; the value is the file's ending, `text` is `txt`."""

    TEXT = "text"
    JSON = "json"
    TSV = "tsv"
    HOCR = "hocr"
    PDF = "pdf"

    @property
    def suffix(self) -> str:
        """The ending of a file of this form, with its dot."""
        return ".txt" if self is OutputFormat.TEXT else f".{self.value}"

    @property
    def needs_words(self) -> bool:
        """Whether the form says where each word stands."""
        return self in {OutputFormat.TSV, OutputFormat.HOCR, OutputFormat.PDF}

    @property
    def needs_every_page_read(self) -> bool:
        """Whether a page's own text layer is no help: it is not known where its words stand."""
        return self in {OutputFormat.TSV, OutputFormat.HOCR}


def export(form: OutputFormat, pdf: bytes, reading: DocumentReading, title: str) -> bytes | None:
    """Return the words of `reading` in this form; `None` for forms that have no words.

    Raises PermanentDocumentError where a searchable PDF cannot be made of `pdf`.
    """
    match form:
        case OutputFormat.TSV:
            from registre_cli.ocr.exports.words_table import words_table

            return words_table(reading).encode()
        case OutputFormat.HOCR:
            from registre_cli.ocr.exports.hocr import hocr

            return hocr(reading, title)
        case OutputFormat.PDF:
            from registre_cli.ocr.exports.searchable_pdf import searchable_pdf

            return searchable_pdf(pdf, reading)
        case OutputFormat.TEXT | OutputFormat.JSON:
            return None
