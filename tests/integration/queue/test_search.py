"""Searching the corrected texts on a real PostgreSQL."""

import json
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.core.errors import WrongUsageError
from registre_cli.queue.connection import Connection, connect
from registre_cli.queue.folding import LETTERS, SIGNS
from registre_cli.queue.migrate import migrate
from registre_cli.queue.models import ReadingRecord
from registre_cli.queue.search import Found, search_texts
from registre_cli.queue.sql import statement
from registre_cli.queue.store import QueueStore

AddDocument = Callable[..., str]
Column = Callable[[str, str], object]

DEED = (
    "--- Page 1 ---\nACTE DE VENTE\nà Laval\n\n--- Page 2 ---\nune hypothèque du 15 mars 2019 sur "
    "le lot 1 234 567, autrefois 283-359, à Montréal, publiée par la sœur sous 28574069"
)


@pytest.fixture
def search(connection: Connection) -> Callable[[str], Found]:
    return lambda question: search_texts(connection, question, source=None, limit=10)


@pytest.mark.parametrize(
    "question",
    [
        "hypothèque Laval 2019", "HYPOTHEQUES laval", "montreal", "283-359", "359", "1234567",
        "1 234 567", "28 574 069", '"hypothèque du 15 mars"', "publié", "publiées", "publiee",
        "soeur", "sœur", "laval -quittance", "quittance or vente", '-"mars 2020" vente',
    ],
)  # fmt: skip
def test_a_document_is_found_by_its_words_in_any_form(
    search: Callable[[str], Found], add: AddDocument, question: str
) -> None:
    document_id = add(document_source="acte", status_id=5, boosted_file_content=DEED)
    found = search(question)
    assert [hit.id for hit in found.hits] == [document_id]
    assert found.hits[0].snippets


@pytest.mark.parametrize(
    "question",
    [
        "quittance",
        "laval -vente",
        '"mars 15"',
        "567 234",
        "Laval Gatineau",
        "'; DROP TABLE x; --",
    ],
)
def test_a_document_without_the_words_is_not_found(
    search: Callable[[str], Found], add: AddDocument, question: str
) -> None:
    add(document_source="acte", status_id=5, boosted_file_content=DEED)
    add(status_id=3, boosted_file_content=None)
    assert search(question) == Found(0, ())


@pytest.mark.parametrize("question", ["", "  ", "de la", '"', "- - ''", "\x00"])
def test_a_question_without_a_word_is_wrong_usage(
    search: Callable[[str], Found], question: str
) -> None:
    with pytest.raises(WrongUsageError, match="no word to look for"):
        search(question)


def test_the_page_and_the_found_words_are_told(
    search: Callable[[str], Found], add: AddDocument
) -> None:
    add(document_source="acte", status_id=5, boosted_file_content=DEED)
    (hit,) = search("hypotheque laval publié").hits
    assert [
        (snippet.page, [snippet.text[start:end] for start, end in snippet.matches])
        for snippet in hit.snippets
    ] == [(1, ["Laval"]), (2, ["hypothèque", "publiée"])]


def test_the_better_answer_comes_first_and_all_are_counted(
    connection: Connection, add: AddDocument
) -> None:
    far = add(status_id=5, boosted_file_content="hypothèque " + "mot " * 300 + " Laval")
    near = add(status_id=5, boosted_file_content="hypothèque Laval, hypothèque Laval")
    acte = add(document_source="acte", status_id=5, boosted_file_content="hypothèque à Laval")
    found = search_texts(connection, "hypothèque laval", source="index", limit=1)
    assert (found.documents, [hit.id for hit in found.hits]) == (2, [near])
    every = search_texts(connection, "hypothèque laval", source=None, limit=9)
    assert [hit.id for hit in every.hits] == [near, acte, far]


def test_letters_and_signs_are_folded_alike_in_questions_and_in_the_column(
    connection: Connection,
) -> None:
    for code, plain in {**LETTERS, **SIGNS}.items():
        word = f"zq{chr(code)}vx"
        row = connection.execute(
            "SELECT registre_search_vector(%s) = registre_search_vector(%s)",
            [word, f"zq{plain}vx"],
        ).fetchone()
        assert row == (True,), f"U+{code:04X}"


def test_marks_that_a_text_brings_itself_mark_nothing(
    search: Callable[[str], Found], add: AddDocument
) -> None:
    add(status_id=5, boosted_file_content="\x01faux\x02 <b>faux</b> vente")
    (hit,) = search("vente").hits
    (snippet,) = hit.snippets
    assert [snippet.text[start:end] for start, end in snippet.matches] == ["vente"]


@pytest.mark.parametrize(
    "text",
    [
        " ".join(f"mot{number:x}" for number in range(250_000)),
        " ".join(chr(0x20000 + number) for number in range(42_000)) * 12,
        "a-" * 600_000,
        "x" * 1_500_000,
        "<a href='http://x.ca/" * 60_000,
    ],
    ids=["words", "letters of 4 bytes", "hyphens", "one word", "markup"],
)
def test_a_text_of_any_size_is_stored_and_found_by_its_beginning(
    store: QueueStore, add: AddDocument, column: Column, search: Callable[[str], Found], text: str
) -> None:
    document_id = add()
    document = store.claim("w", Source.INDEX, 60)
    assert document is not None
    assert store.complete(document.token, ReadingRecord("brut", f"hypothèque {text}"))
    assert column(document_id, "status_id") == 5
    assert [hit.id for hit in search("hypothèque").hits] == [document_id]


def test_texts_that_were_there_before_are_found_and_no_trigger_is_fired(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as theirs:
        theirs.execute(
            """CREATE TABLE extraction_queue (id bigint GENERATED BY DEFAULT AS IDENTITY
                   PRIMARY KEY, document_source text NOT NULL, document_number text NOT NULL,
                   status_id integer, boosted_file_content text, updated_at timestamptz);
               CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$;
               CREATE TRIGGER theirs BEFORE UPDATE ON extraction_queue
                   FOR EACH ROW EXECUTE FUNCTION theirs();
               INSERT INTO extraction_queue (document_source, document_number, status_id,
                   boosted_file_content, updated_at)
               VALUES ('acte', '9', 5, 'hypothèque à Laval', '2020-01-01')"""
        )
    migrate(SecretStr(database_url))
    with connect(SecretStr(database_url)) as connection:
        (hit,) = search_texts(connection, "laval", source=None, limit=1).hits
        assert hit.document_number == "9"
        row = connection.execute("SELECT updated_at::date::text FROM extraction_queue").fetchone()
        assert row == ("2020-01-01",)


def test_a_writer_without_any_right_to_our_functions_still_writes(database_url: str) -> None:
    """A server may take the right to functions from everybody, by default."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        role = sql.Identifier(f"extractor_{owner.info.dbname}")
        owner.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        migrate(SecretStr(database_url))
        owner.execute(sql.SQL("CREATE ROLE {}").format(role))
        try:
            owner.execute(sql.SQL("GRANT INSERT ON extraction_queue TO {}").format(role))
            owner.execute(sql.SQL("SET ROLE {}").format(role))
            owner.execute(
                "INSERT INTO extraction_queue (document_source, document_number, status_id,"
                " boosted_file_content) VALUES ('acte', '1', 1, 'vente')"
            )
        finally:
            owner.execute("RESET ROLE")
            owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
            owner.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_dump_with_texts_can_be_restored(database_url: str) -> None:
    """A restore runs with an empty search path: nothing of ours may depend on one."""
    migrate(SecretStr(database_url))
    with connect(SecretStr(database_url)) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', '', false)")
        connection.execute(
            "INSERT INTO public.extraction_queue (document_source, document_number, status_id,"
            " boosted_file_content) VALUES ('acte', '1', 5, 'hypothèque')"
        )


def test_the_search_in_many_rows_is_served_by_its_index(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO extraction_queue (document_source, document_number, status_id,"
        " boosted_file_content) SELECT 'acte', n::text, 5, 'vente lot ' || n || ' à Laval '"
        " || repeat('mot' || n % 977 || ' ', 60) FROM generate_series(1, 5000) AS n"
    )
    connection.execute("ANALYZE extraction_queue")
    asked = {"grouped": "laval mot7", "ungrouped": "laval mot7", "source": None, "limit": 10,
             "most_weighed": 10_000, "most_characters": 1_000_000}  # fmt: skip
    row = connection.execute(
        b"EXPLAIN (FORMAT JSON) " + statement("search").encode(), asked
    ).fetchone()
    assert row is not None
    plan = json.dumps(row[0])
    assert '"Index Name": "registre_search"' in plan
    assert '"Seq Scan"' not in plan
    assert search_texts(connection, "laval mot7", source=None, limit=3).documents == 6
