"""One of Ceph's daemons, or a node's mount of CephFS."""
