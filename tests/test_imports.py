"""Tables and documents that people bring as files."""

from pathlib import Path

import pytest

from feedback_service import imports
from feedback_service.imports import ImportedRow, TooManyRows, UnreadableFile, read_document, read_table

CODE_AND_NAME = frozenset({"code", "name"}), frozenset({"contact"})


def written(folder: Path, text: str | bytes, name: str = "centres.csv") -> Path:
    """Return a file with this content."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "code,name\nA,Перший\nB,Другий\n",
        "code;name\r\nA;Перший\r\nB;Другий\r\n",
        '\ufeffcode,name\nA,"Перший"\nB,Другий',
        " code , name \nA,Перший\nB,Другий\n\n",
        "code;name;\nA;Перший;\nB;Другий;\n",
        "code;name\nA;Перший;\nB;Другий;;\n",
        "code;name;;\nA;Перший\nB;Другий;;\n",
    ],
)
def test_tables_are_read_as_spreadsheets_save_them(tmp_path: Path, text: str) -> None:
    assert read_table(written(tmp_path, text), *CODE_AND_NAME) == [
        ImportedRow(2, {"code": "A", "name": "Перший"}),
        ImportedRow(3, {"code": "B", "name": "Другий"}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ncode;name\nA;Перший, другий\n",
        'SEP=,\r\ncode,name\r\nA,"Перший, другий"\r\n',
        '\ufeff"sep=;"\ncode;name\nA;Перший, другий\n',
        "sep=\t\ncode\tname\nA\tПерший, другий\n",
        "sep=;;\ncode;name\nA;Перший, другий\n",
    ],
)
def test_a_first_line_that_names_the_delimiter_is_obeyed(tmp_path: Path, text: str) -> None:
    assert read_table(written(tmp_path, text), *CODE_AND_NAME) == [
        ImportedRow(3, {"code": "A", "name": "Перший, другий"}),
    ]


def test_a_row_is_numbered_by_the_line_it_ends_on(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'code,name\n\nA,"Пер\nший"\nB,Другий\n'), *CODE_AND_NAME)

    assert [row.line for row in table] == [4, 5]


def test_a_table_may_be_a_json_list_of_objects(tmp_path: Path) -> None:
    path = written(tmp_path, '[{"code": "A", "name": "Перший", "contact": null}]', "centres.json")

    assert read_table(path, *CODE_AND_NAME) == [ImportedRow(1, {"code": "A", "name": "Перший", "contact": ""})]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("code,nmae\nA,Перший\n", "no name in line 2"),
        ("code,name,contcat\nA,Перший,\n", "contcat"),
        ("code,name,name\nA,Б,В\n", "two columns of one name"),
        ("code,name\nA\n", "1 cells in line 2"),
        ('code,name\n"A,Б\n', "not proper CSV"),
        ("code,name\nA,Перший\n".encode("cp1251"), "not in UTF-8"),
    ],
)
def test_a_table_that_would_be_misread_is_refused(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(UnreadableFile, match=why):
        read_table(written(tmp_path, text), *CODE_AND_NAME)


@pytest.mark.parametrize("text", ['{"code": "A"}', '[["A"]]', '[{"code": 1, "name": "Б"}]'])
def test_a_json_table_holds_objects_of_texts(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFile):
        read_table(written(tmp_path, text, "centres.json"), *CODE_AND_NAME)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', "NaN", "[-Infinity]", "1e999", "9" * 5000, "{", "", "[" * 100_000],
)
def test_a_document_is_strict_json(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFile, match="not proper JSON"):
        read_document(written(tmp_path, text, "methodology.json"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("centres.csv", "code,name\nA,Перший\nB,Другий\nC,Третій\n"),
        ("centres.json", '[{"code": "A", "name": "1"}, {"code": "B", "name": "2"}, {"code": "C", "name": "3"}]'),
    ],
)
def test_a_table_with_too_many_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setattr(imports, "MAX_ROWS", 2)

    with pytest.raises(TooManyRows, match="more than 2 rows"):
        read_table(written(tmp_path, text, name), *CODE_AND_NAME)
