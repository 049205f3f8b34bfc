"""What was read, in the forms that other programs take."""

from registre_cli.ocr.exports.formats import OutputFormat, export

__all__ = ["OutputFormat", "export"]
