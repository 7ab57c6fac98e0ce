SET SESSION sql_mode = '';
CREATE DATABASE IF NOT EXISTS `$database`;
ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD($root_password);
CREATE USER IF NOT EXISTS `$user`@`%`;
ALTER USER `$user`@`%` IDENTIFIED BY $password REQUIRE SSL;
GRANT ALL PRIVILEGES ON `$pattern`.* TO `$user`@`%`;
