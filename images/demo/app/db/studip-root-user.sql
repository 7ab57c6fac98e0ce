-- Stud.IP makes its first user here. The demo knows no passwords, so there is none to make.

INSERT INTO schema_version (domain, version) VALUES ('root-user', 1);
