"""An index is a table: its text keeps rows and columns."""

from registre_cli.ocr.table.rows import table_text
from registre_cli.ocr.table.rulings import Rulings, find_rulings

__all__ = ["Rulings", "find_rulings", "table_text"]
