"""What a model is asked: files in French, each of which a person may replace."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError

# Where a prompt names the line that ends a whole answer.
END_PLACE = "{fin}"
_LARGEST_BYTES = 100_000


@dataclass(frozen=True)
class Prompts:
    """The question for each source, and the one that continues an answer that was cut off."""

    index: str
    acte: str
    more: str

    def question(self, source: Source, end: str) -> str:
        """Return the question for a page; a whole answer ends with the line `end`."""
        prompt = self.index if source is Source.INDEX else self.acte
        return prompt.replace(END_PLACE, end)

    def continuation(self, end: str) -> str:
        """Return the question for the rest of an answer."""
        return self.more.replace(END_PLACE, end)


def load_prompts(folder: Path | None) -> Prompts:
    """Return the prompts; those in `folder` go before ours.

    Raises ConfigurationError where one cannot be read or does not name its end.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(
            f"OCR_VISION_PROMPTS={folder}: no such folder",
            fix="give a folder with index.txt, acte.txt or suite.txt",
        )
    return Prompts(*(_prompt(folder, name) for name in ("index.txt", "acte.txt", "suite.txt")))


def _prompt(folder: Path | None, name: str) -> str:
    if folder is None or not (folder / name).is_file():
        return files("registre_cli.ocr.vision").joinpath("prompts", name).read_text("utf-8")
    path = folder / name
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the prompt {path} cannot be read: {error}", fix="make it a readable UTF-8 file"
        ) from error
    if len(text.encode()) > _LARGEST_BYTES or END_PLACE not in text:
        raise ConfigurationError(
            f"the prompt {path} does not say where the line that ends an answer belongs",
            fix=f"write {END_PLACE} where the model is told how to end, in at most "
            f"{_LARGEST_BYTES} bytes",
        )
    return text
