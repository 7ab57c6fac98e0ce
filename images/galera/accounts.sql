SET SESSION sql_mode = '';
CREATE DATABASE IF NOT EXISTS `$database`;
ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING '$root_password';
CREATE USER IF NOT EXISTS `$user`@`%` IDENTIFIED VIA mysql_native_password USING '$password' REQUIRE SSL;
GRANT ALL PRIVILEGES ON `$pattern`.* TO `$user`@`%`;
-- The application is changed after the database: the password before this one stays good until the next change.
SET @new = '$password';
SET @old = (SELECT JSON_VALUE(Priv, '$$.authentication_string') FROM mysql.global_priv WHERE User = '$user' AND Host = '%');
EXECUTE IMMEDIATE IF(@old = @new, 'DO 0', CONCAT(
    'ALTER USER `$user`@`%` IDENTIFIED VIA mysql_native_password USING ''', @new,
    ''' OR mysql_native_password USING ''', @old, ''' REQUIRE SSL'
));
