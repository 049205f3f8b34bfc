"""`registre boost`, the fields of a document, and the search, as a person uses them."""

import json
import os
import pty
import random
import subprocess
from pathlib import Path

import pytest
from conftest import REGISTRE, Shell

from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words

HOSTILE = "[bold red]9[/] \x1b[2J\x1b]0;owned\x07 \u202e"
DEED = (
    f"--- Page 1 ---\nActe de vente\n\nle lot 2 26O 260 {HOSTILE}\n--- Page 2 ---\n"
    "Prix : 50000$, le 31 février 2015\n"
)
FIELDS = {
    "fields": [
        {"kind": "lot", "page": 2, "line": 14, "as_read": "2 26O 260", "value": "2260260",
         "confidence": 0.86, "rule": "lot-renewed", "inferred": False},
        {"kind": HOSTILE, "value": HOSTILE, "confidence": "x", "as_read": None},
        "not even a field",
    ],
    "entries": [
        {"page": 1, "line": 3, "date": "1988-09-08", "registration": "28574069",
         "nature": "Servitude", "nature_inferred": True, "parties": ["Hydro-Québec", HOSTILE],
         "amount": "50000", "remarks": "poteaux"},
    ],
    "flags": [
        {"rule": "date-iso", "page": 1, "line": 6, "text": HOSTILE, "message": "no such day"},
    ],
}  # fmt: skip


def is_harmless(shown: str) -> bool:
    return not any(sign in shown for sign in "\x1b\x07\u202e")


def test_the_shipped_rules_hold_and_are_listed_with_their_reasons(shell: Shell) -> None:
    ran = shell.run("boost", "check", "--list")
    assert ran.returncode == 0
    assert "all hold" in ran.stdout and "lot-renewed" in ran.stdout
    assert shell.json("boost", "check")["ok"] is True


def test_wrong_rules_exit_1_with_file_rule_and_what_is_wrong(shell: Shell) -> None:
    folder = shell.folder / "rules"
    folder.mkdir()
    (folder / "own.toml").write_text(
        '[[rule]]\nname = "mine"\nwhy = "w"\nmatch = "a+"\nwrite = "b"\nleaves = ["a"]\n'
        f"[[rule]]\nname = {json.dumps(HOSTILE)}\n"
    )
    for given in ((str(folder),), ()):
        ran = shell.run("boost", "check", *given, OCR_BOOST_RULES=str(folder))
        assert ran.returncode == 1
        assert "own.toml" in ran.stdout and "mine" in ran.stdout
        assert is_harmless(ran.stdout)
        assert "'a' must stay, becomes 'b'" in " ".join(ran.stdout.split())
        assert max(map(len, ran.stdout.splitlines())) <= 80
    report = shell.json("boost", "check", str(folder))
    assert report["ok"] is False
    assert {problem["file"] for problem in report["problems"]} == {"own.toml"}
    ran = shell.run("boost", "check", str(folder / "own.toml"))
    assert ran.returncode == 3
    assert "cannot be read" in ran.stderr


def test_each_correction_is_explained_with_rule_place_and_reason(shell: Shell) -> None:
    (shell.folder / "deed.txt").write_bytes(DEED.replace("\n", "\r\n").encode())
    explained = shell.json("boost", "explain", "deed.txt")
    assert [
        (one["rule"], one["page"], one["line"], one["before"], one["after"])
        for one in explained["corrections"]
    ] == [
        ("lot-renewed", 1, 3, "2 26O 260", "2 260 260"),
        ("amount-spacing", 2, 1, "50000$", "50 000 $"),
    ]
    assert all(one["why"] for one in explained["corrections"])
    assert [flag["text"] for flag in explained["flags"]] == ["31 février 2015"]
    assert {one["kind"] for one in explained["fields"]} >= {"lot", "amount"}
    assert explained["reasons"].keys() >= {"lot-renewed", "amount-spacing"}
    shown = shell.run("boost", "explain", "deed.txt").stdout
    assert "2 26O 260" in shown and "1:3" in shown and "there is no such day" in shown
    assert is_harmless(shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_stdin_a_pdf_and_a_stored_document_are_explained_too(shell: Shell) -> None:
    piped = subprocess.run(
        [REGISTRE, "boost", "explain", "-"], input=DEED, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert "lot-renewed" in piped.stdout
    document_id = shell.insert(status_id=5, document_source="acte", file_content=DEED)
    stored = shell.json("boost", "explain", "--document", document_id)
    assert stored["corrections"][0]["rule"] == "lot-renewed"
    unread = shell.run("boost", "explain", "--document", shell.insert())
    assert unread.returncode == 1
    assert "has no text yet" in unread.stderr
    (shell.folder / "a.pdf").write_bytes(
        scanned_pdf([[Words(60, 100, "prix de 50000$ comptant", 14)]], random.Random(1))
    )
    read = shell.json("boost", "explain", "a.pdf")
    assert [one["after"] for one in read["corrections"]] == ["50 000 $"]
    (shell.folder / "bad.pdf").write_bytes(b"%PDF-1.4 broken")
    assert shell.run("boost", "explain", "bad.pdf").returncode == 1
    (shell.folder / "latin.txt").write_bytes("é".encode("latin-1"))
    refused = shell.run("boost", "explain", "latin.txt")
    assert refused.returncode == 2
    assert "no text in UTF-8" in refused.stderr


def test_rules_of_a_folder_can_be_tried_without_setting_them(shell: Shell) -> None:
    folder = shell.folder / "rules"
    folder.mkdir()
    (folder / "own.toml").write_text('off = ["amount-spacing"]\n')
    (shell.folder / "deed.txt").write_text(DEED)
    explained = shell.json("boost", "explain", "deed.txt", "--rules", str(folder))
    assert "amount-spacing" not in {one["rule"] for one in explained["corrections"]}


def test_a_thousand_corrections_are_all_explained(shell: Shell) -> None:
    (shell.folder / "long.txt").write_text("prix de 50000$ comptant\n" * 1_000)
    ran = shell.run("boost", "explain", "long.txt")
    assert ran.returncode == 0
    assert "Corrections (1,000)" in ran.stdout


def test_the_fields_of_a_document_are_stored_with_its_text_and_shown(shell: Shell) -> None:
    pdf = shell.folder / "a.pdf"
    lines = ["lot 2 26O 260", "pour 50000$ en faveur de Hydro-Québec"]
    pdf.write_bytes(
        scanned_pdf(
            [[Words(60, 100 + 60 * n, line, 14) for n, line in enumerate(lines)]], random.Random(1)
        )
    )
    (document_id,) = shell.json("queue", "add", str(pdf), "--source", "acte")["ids"]
    assert "has no boosted text" in shell.run("queue", "show", document_id, "--fields").stderr
    assert shell.run("queue", "show", document_id, "--text", "diff").returncode == 1
    assert shell.run("pool", "run", "--burst", "--size", "1").returncode == 0
    stored = shell.json("queue", "show", document_id)["fields"]
    assert stored.keys() == {"fields", "entries", "flags"}
    amount = next(one for one in stored["fields"] if one["kind"] == "amount")
    assert (amount["value"], amount["page"], amount["as_read"]) == ("50000", 1, "50 000")
    assert amount.keys() >= {"line", "confidence", "rule"}
    assert "amount" in shell.run("queue", "show", document_id, "--fields").stdout
    (read,) = shell.json("ocr", str(pdf))["files"]
    assert read["fields"] == stored
    assert shell.json("ocr", str(pdf), "--raw")["files"][0]["fields"] is None
    (hit,) = shell.json("queue", "search", "hydro quebec")["hits"]
    assert (hit["id"], hit["snippets"][0]["page"]) == (document_id, 1)
    shell.run("queue", "retry", document_id)
    assert shell.json("queue", "show", document_id)["fields"] is None
    assert shell.json("queue", "search", "hydro")["hits"] == []


@pytest.mark.parametrize("columns", ["80", "160"])
def test_stored_fields_of_any_shape_are_shown_readably_and_harmlessly(
    shell: Shell, columns: str
) -> None:
    document_id = shell.insert(
        status_id=5, file_content="x", ocr_fields=json.dumps(FIELDS), boosted_file_content="x"
    )
    ran = shell.run("queue", "show", document_id, "--fields", COLUMNS=columns)
    assert ran.returncode == 0, ran.stderr
    assert is_harmless(ran.stdout)
    assert max(map(len, ran.stdout.splitlines())) <= int(columns)
    for told in ("2260260", "2 26O 260", "0.86", "2:14", "28574069", "(inferred)", "no such day"):
        assert told in ran.stdout
    assert ("lot-renewed" in ran.stdout) == (columns == "160")
    assert shell.json("queue", "show", document_id, "--fields")["fields"] == FIELDS
    for odd in ("[1, 2]", '{"fields": 3, "entries": [[]]}'):
        other = shell.insert(status_id=5, file_content="x", ocr_fields=odd)
        ran = shell.run("queue", "show", other, "--fields")
        assert ran.returncode == 0, ran.stderr
        assert "no fields were found" in ran.stdout
    before = shell.insert(status_id=5, file_content="x", boosted_file_content="x")
    ran = shell.run("queue", "show", before, "--fields")
    assert ran.returncode == 1
    assert f"registre boost explain --document {before}" in ran.stderr


def test_the_search_tells_document_place_and_words(shell: Shell) -> None:
    text = f"--- Page 3 ---\nune hypothèque à Laval en 2019 {HOSTILE}"
    acte = shell.insert(
        document_source="acte", document_number="28 753 356", status_id=5, boosted_file_content=text
    )
    index = shell.insert(status_id=5, boosted_file_content="hypothèque")
    ran = shell.run("queue", "search", "hypotheque", "laval", "2019")
    assert ran.returncode == 0
    assert is_harmless(ran.stdout)
    head, place, total = ran.stdout.splitlines()
    assert head == f"1. 28 753 356  acte  dev  {acte}"
    assert place.startswith("   page 3  une hypothèque à Laval en 2019 [bold red]9[/]")
    assert total == "1 document answers"
    assert [hit["id"] for hit in shell.json("queue", "search", "hypothèque", "--source", "index")[
        "hits"]] == [index]  # fmt: skip
    found = shell.json("queue", "search", "hypothèque", "--limit", "1")
    assert found["environments"] == [{"name": "dev", "documents": 2, "all_counted": True}]
    assert len(found["hits"]) == 1
    without = shell.json("queue", "search", "-laval", "hypothèque")
    assert [hit["id"] for hit in without["hits"]] == [index]
    none = shell.run("queue", "search", "quittance")
    assert (none.returncode, none.stdout) == (0, "no document answers: quittance\n")
    assert shell.run("queue", "search", " ").returncode == 2
    assert shell.run("queue", "search", "x", "--env", "prod").returncode == 3


def test_found_words_are_bold_on_a_terminal_only_by_our_own_hand(shell: Shell) -> None:
    shell.insert(status_id=5, boosted_file_content="l'hypothèque \x1b[1mfausse\x1b[0m")
    ours, theirs = pty.openpty()
    environment = {**os.environ, **shell.settings, "TERM": "xterm-256color", "COLUMNS": "80"}
    ran = subprocess.Popen(
        [REGISTRE, "queue", "search", "hypotheque"], env=environment, cwd=shell.folder,
        stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.wait(60) == 0
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    os.close(theirs)
    assert "\x1b[1mhypothèque\x1b[0m" in shown
    assert "\x1b[1mfausse" not in shown


def test_documents_of_all_environments_are_ranked_together(shell: Shell, database_url: str) -> None:
    other = Shell(database_url, shell.settings, Path(shell.folder))
    settings = {"STAGING_DATABASE_URL": database_url, "OCR_STAGING": "true"}
    assert shell.run("db", "migrate", **settings).returncode == 0
    shell.insert(status_id=5, boosted_file_content="vente " + "mot " * 200 + "Laval")
    other.insert(status_id=5, boosted_file_content="vente Laval")
    hits = shell.json("queue", "search", "vente laval", **settings)["hits"]
    assert [hit["environment"] for hit in hits] == ["staging", "dev"]
