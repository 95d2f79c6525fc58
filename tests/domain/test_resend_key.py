from domain.identifiers import NotificationKey
from domain.resend_key import TIMES_MAX, Lineage


def lineage(key: str, seq: int = 7) -> Lineage:
    return Lineage(NotificationKey(key), seq)


def test_repetitions_count_on_from_the_first_event_whichever_one_is_at_hand() -> None:
    assert lineage("customer:ab").number == 1
    assert lineage("customer:ab").key(2) == "customer:ab#2"
    assert lineage("customer:ab#2").number == 2
    assert lineage("customer:ab#2").key(3) == "customer:ab#3"
    assert lineage("customer:ab#2").keys == lineage("customer:ab").keys
    assert lineage("customer:ab").keys[:2] == ("customer:ab", "customer:ab#2")
    assert len(lineage("customer:ab").keys) == TIMES_MAX


def test_a_key_made_from_content_takes_the_events_number_along_and_counts_for_ever() -> None:
    first = lineage("~customer:ab", 7)

    assert first.key(2) == "customer:ab@7#2"
    assert first.first_seq == 7
    assert lineage("customer:ab@7#2", 9).first_seq == 7
    assert lineage("customer:ab@7#2", 9).keys == first.keys
    assert lineage("~customer:ab", 8).key(2) != first.key(2)
    assert lineage("customer:ab").first_seq is None
