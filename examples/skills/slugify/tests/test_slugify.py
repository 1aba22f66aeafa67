from skill import shorten, slugify


def test_a_slug_stays_as_it_is():
    assert slugify("hello-world-2") == "hello-world-2"


def test_a_cut_that_falls_between_words_keeps_both():
    assert shorten("one-two", 7) == "one-two"
    assert shorten("one-two-three", 7) == "one-two"


def test_a_single_long_word_is_cut():
    assert shorten("incomprehensible", 5) == "incom"
