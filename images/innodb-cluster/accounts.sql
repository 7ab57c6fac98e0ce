SET SESSION sql_mode = '';
-- Members that copy from others: a certificate like this member's own takes the place of a password.
CREATE USER IF NOT EXISTS replication@`%` REQUIRE SUBJECT $subject AND ISSUER $issuer;
ALTER USER replication@`%` REQUIRE SUBJECT $subject AND ISSUER $issuer;
GRANT BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM, REPLICATION SLAVE ON *.* TO replication@`%`;
CREATE DATABASE IF NOT EXISTS `$database`;
