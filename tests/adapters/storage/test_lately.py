from adapters.storage.lately import Lately


def test_of_more_numbers_than_it_may_keep_those_go_that_were_added_longest_ago() -> None:
    lately = Lately(2)
    for number in (1, 2, 1, 3):
        lately.add(number)
    assert [number for number in (1, 2, 3) if number in lately] == [1, 3]


def test_one_that_is_discarded_makes_room() -> None:
    lately = Lately(2)
    for number in (1, 2):
        lately.add(number)
    lately.discard(2)
    lately.discard(2)
    lately.add(3)
    assert [number for number in (1, 2, 3) if number in lately] == [1, 3]
