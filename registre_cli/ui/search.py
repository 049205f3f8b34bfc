"""Showing what a search found."""

from collections.abc import Mapping
from dataclasses import asdict

from rich.padding import Padding
from rich.text import Text

from registre_cli.queue.search import Found, Hit
from registre_cli.queue.snippets import Snippet
from registre_cli.ui.console import cell, moment, output_console, print_json


def show_found(question: str, found: Mapping[str, Found], *, limit: int, as_json: bool) -> None:
    """Show the best hits of all environments, the best first."""
    hits = sorted(
        ((name, hit) for name, one in found.items() for hit in one.hits),
        key=lambda pair: -pair[1].rank,
    )[:limit]
    if as_json:
        print_json(_document(question, found, hits))
        return
    out = output_console()
    if not hits:
        out.print(cell(f"no document answers: {question}"), soft_wrap=True)
        return
    for position, (name, hit) in enumerate(hits, 1):
        heading = Text.assemble(
            f"{position}. ", cell(hit.document_number, limit=60, style="bold"),
            "  ", cell(hit.source), "  ", cell(name), "  ", cell(hit.id, style="dim"),
        )  # fmt: skip
        out.print(heading, soft_wrap=True)
        for snippet in hit.snippets:
            # In a pipe a place is one line, for whoever looks for it with grep.
            line = _line(snippet)
            if out.is_terminal:
                out.print(Padding(line, (0, 0, 0, 3)))
            else:
                out.print(Text.assemble("   ", line), soft_wrap=True)
    out.print(_sum(found, len(hits)), soft_wrap=True)


def _line(snippet: Snippet) -> Text:
    text = cell(snippet.text)
    for start, end in snippet.matches:
        text.stylize("bold", start, end)
    return Text.assemble((f"page {snippet.page}", "cyan"), "  ", text)


def _sum(found: Mapping[str, Found], shown: int) -> str:
    documents = sum(one.documents for one in found.values())
    least = "" if all(one.are_all_counted for one in found.values()) else "at least "
    noun = "document answers" if documents == 1 else "documents answer"
    rest = f", the best {shown} are shown" if shown < documents else ""
    return f"{least}{documents:,} {noun}{rest}"


def _document(
    question: str, found: Mapping[str, Found], hits: list[tuple[str, Hit]]
) -> dict[str, object]:
    return {
        "question": question,
        "environments": [
            {"name": name, "documents": one.documents, "all_counted": one.are_all_counted}
            for name, one in found.items()
        ],
        "hits": [
            {
                "environment": name,
                **asdict(hit),
                "completed_at": hit.completed_at and moment(hit.completed_at),
            }
            for name, hit in hits
        ],
    }
