<?php

/**
 * Stud.IP's local configuration, from the environment and files with secrets.
 * Stud.IP itself reads the rest of the environment: STUDIP_CONFIG_*, STUDIP_MAIL_TRANSPORT, ...
 */

use function Studip\Runtime\secret;
use function Studip\Runtime\setting;

require_once '/usr/local/lib/studip/environment.php';

// Becomes part of a DSN, which has the port in a field of its own.
$DB_STUDIP_HOST = setting('MYSQL_HOST', 'localhost') . ';port=' . setting('MYSQL_PORT', '3306');
$DB_STUDIP_USER = setting('MYSQL_USER', 'studip');
$DB_STUDIP_PASSWORD = secret('MYSQL_PASSWORD_FILE');
$DB_STUDIP_DATABASE = setting('MYSQL_DATABASE', 'studip');

// What users type. The load balancer has written the forwarded headers, nobody else.
if (setting('PROXY_URL') !== '') {
    $ABSOLUTE_URI_STUDIP = rtrim(setting('PROXY_URL'), '/') . '/';
} elseif (setting('AUTO_PROXY', '0') !== '0' && isset($_SERVER['HTTP_X_FORWARDED_HOST'])) {
    $ABSOLUTE_URI_STUDIP = sprintf(
        '%s://%s/',
        $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? 'http',
        $_SERVER['HTTP_X_FORWARDED_HOST'],
    );
}
if (isset($ABSOLUTE_URI_STUDIP) && $ABSOLUTE_URI_STUDIP !== '') {
    $ASSETS_URL = $ABSOLUTE_URI_STUDIP . 'assets/';
    // Sessions' cookies and redirects depend on it.
    if (str_starts_with($ABSOLUTE_URI_STUDIP, 'https://')) {
        $_SERVER['HTTPS'] = 'on';
    }
}

// A cache that all replicas share, instead of the one that is configured in the database.
if (setting('CACHE_KIND') === 'redis') {
    $_ENV['STUDIP_CONFIG_SYSTEMCACHE'] = [
        'type' => 'Studip\\Cache\\RedisCache',
        'config' => [
            'hostname' => setting('CACHE_HOST', 'localhost'),
            'port' => (int) setting('CACHE_PORT', '6379'),
            'auth' => secret('CACHE_PASSWORD_FILE'),
        ],
    ];
}
