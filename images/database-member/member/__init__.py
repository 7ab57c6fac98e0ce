"""One member of a database cluster: supervisor of its daemon, role server, and recovery.

What differs between databases is behind `member.engine.Engine`.
"""
