"""What HAProxy's environment is made of; without an engine."""

from balancer.settings import inner_networks

# /proc/net/route of a container in two networks, the first of which leads out.
ROUTES = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth1\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t00005A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_inner_networks_are_those_that_lead_nowhere_else() -> None:
    assert inner_networks(ROUTES) == "10.90.0.0/255.255.255.0"
    assert inner_networks(ROUTES.splitlines()[0]) == ""
