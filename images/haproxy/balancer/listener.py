"""Sockets that outlive HAProxy's workers, and can ignore new connections instead of refusing."""

import socket

IP_MINTTL = 21  # linux/in.h; Python has no name for it
NOBODYS = 255  # a hop that every packet to a container has behind it leaves less


class Listener:
    """A bound TCP socket; HAProxy listens on it by its file descriptor."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("", port))
        self._socket.set_inheritable(True)
        self.fd = self._socket.fileno()

    def ignore_new(self) -> None:
        """Answer nothing to whoever wants to connect; what is connected goes on.

        No answer, instead of a reset, makes a client try again after 1 s, and by then another
        node, or the next HAProxy, has the address. The kernel drops packets whose TTL is below
        the least that a socket takes (RFC 5082); a packet filter would do, with CAP_NET_ADMIN.
        """
        self._socket.setsockopt(socket.IPPROTO_IP, IP_MINTTL, NOBODYS)
