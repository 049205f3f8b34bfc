"""Looking at a page as a person does: prepare it, read it, and look again where it read badly."""

from registre_cli.ocr.looks.reader import LookingEngine

__all__ = ["LookingEngine"]
