RENAME USER root@localhost TO mysql@localhost;
UPDATE mysql.user SET plugin = 'auth_socket', authentication_string = '' WHERE user = 'mysql';
