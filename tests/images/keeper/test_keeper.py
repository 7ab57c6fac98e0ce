"""When a node must do without the address, and what keepalived is told; without an engine."""

from pathlib import Path

import pytest

from keeper.judgement import Answer, Judgement
from keeper.settings import SettingError, read, render

TEMPLATE = Path(__file__).parents[3] / "images" / "keepalived" / "keepalived.conf"
ENVIRONMENT = {
    "ADDRESSES": "192.0.2.100/24 192.0.2.101/24",
    "NODE_ADDRESS": "192.0.2.1",
    "INTERFACE": "eth1",
    "PEERS": "192.0.2.2 192.0.2.3",
    "PRIORITY": "200",
    "ROUTER_ID": "51",
    "ADVERT_SECONDS": "0.2",
    "GARP_REFRESH": "10",
    "MONITOR_PORT": "8405",
    "CHECK_INTERVAL": "0.2",
    "CHECK_FALL": "2",
    "CHECK_TIMEOUT": "2",
    "CHECK_HOLD": "5",
    "CHECK_OTHERS": "1",
}


def test_a_node_begins_without_and_one_answer_is_enough() -> None:
    judgement = Judgement(fall=2, hold=5)
    assert judgement.fault(Answer.REFUSED, [], 0)
    assert not judgement.fault(Answer.EMPTY, [], 1)


def test_refusals_count_in_a_row_and_silence_at_once() -> None:
    judgement = Judgement(fall=2, hold=5)
    answers = [Answer.READY, Answer.REFUSED, Answer.READY, Answer.REFUSED, Answer.REFUSED]
    assert [judgement.fault(one, [], 0) for one in answers] == [False, False, False, False, True]
    assert not judgement.fault(Answer.READY, [], 0)
    assert judgement.fault(Answer.SILENT, [], 0)


def test_without_replicas_it_stays_unless_another_has_some_for_a_while() -> None:
    judgement = Judgement(fall=2, hold=5)
    assert not judgement.fault(Answer.READY, [Answer.READY], 0)
    for now in range(100):
        assert not judgement.fault(Answer.EMPTY, [Answer.EMPTY, Answer.SILENT], now)
    assert not judgement.fault(Answer.EMPTY, [Answer.READY], 100)
    assert not judgement.fault(Answer.EMPTY, [Answer.READY], 104)
    # The other one's were a short pleasure.
    assert not judgement.fault(Answer.EMPTY, [Answer.EMPTY], 105)
    assert not judgement.fault(Answer.EMPTY, [Answer.READY], 106)
    assert judgement.fault(Answer.EMPTY, [Answer.READY], 111)
    assert not judgement.fault(Answer.READY, [Answer.READY], 112)


@pytest.mark.parametrize(
    ("more", "there", "missing"),
    [
        ({}, ["unicast_peer {", "192.0.2.3 min_ttl 255"], ["mcast_src_ip", "use_vmac", "@"]),
        ({"MULTICAST": "1"}, ["mcast_src_ip 192.0.2.1"], ["unicast", "192.0.2.2", "@"]),
        ({"MACVLAN": "1"}, ["use_vmac", "vmac_xmit_base", "unicast_peer {"], ["@"]),
    ],
)
def test_the_configuration_says_what_is_chosen(
    more: dict[str, str], there: list[str], missing: list[str]
) -> None:
    text = render(read(ENVIRONMENT | more), TEMPLATE.read_text())
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    code = "\n".join(lines)
    for piece in [*there, "interface eth1", "advert_int 0.2", "priority 200", "nopreempt"]:
        assert piece in code
    assert "192.0.2.100/24\n        192.0.2.101/24" in code
    for piece in [*missing, "$", "auth"]:
        assert piece not in code


def test_a_wrong_number_is_one_sentence() -> None:
    with pytest.raises(SettingError, match='ROUTER_ID: must be a number from 1 to 255, got "0"'):
        read(ENVIRONMENT | {"ROUTER_ID": "0"})
