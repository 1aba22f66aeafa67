from skill import describe, guess_delimiter, summarise


def test_a_short_row_has_missing_values():
    assert summarise("a,b\n1\n2,3\n")["columns"][1]["missing"] == 1


def test_a_quoted_delimiter_does_not_split():
    columns = summarise('name,note\nAda,"first, and best"\n')["columns"]
    assert columns[1]["top"] == [["first, and best", 1]]


def test_one_word_makes_a_column_text():
    assert describe("mixed", ["1", "2", "three"])["type"] == "text"


def test_nan_is_a_word():
    assert describe("odd", ["nan", "1"])["type"] == "text"


def test_a_column_without_values_is_empty():
    assert describe("none", ["", "n/a"]) == {"name": "none", "missing": 2, "distinct": 0, "type": "empty", "top": []}


def test_tabs_are_found():
    assert guess_delimiter("a\tb\n1,5\t2") == "\t"
