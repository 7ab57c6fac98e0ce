<?php

/**
 * What the environment says: the database, and secrets in files.
 */

declare(strict_types=1);

namespace Studip\Runtime;

use PDO;
use RuntimeException;

/** A setting, or its default where the environment leaves it out or empty. */
function setting(string $name, string $default = ''): string
{
    $value = getenv($name);
    return $value === false || $value === '' ? $default : $value;
}

/** The one line in the file that the variable names; none where it names no file. */
function secret(string $name): string
{
    $file = setting($name);
    if ($file === '') {
        return '';
    }
    $content = @file_get_contents($file);
    if ($content === false) {
        throw new RuntimeException("{$name}: {$file} can't be read");
    }
    return rtrim($content, "\r\n");
}

/**
 * A new connection to the database.
 *
 * @param int $timeout seconds until it must stand
 * @param int|null $patience seconds until an answer must come; the image's setting where null
 * @throws \PDOException when it can't be had
 */
function database(int $timeout = 5, ?int $patience = null): PDO
{
    if ($patience !== null) {
        // A server that hangs still accepts connections: the timeout above does not end those.
        ini_set('mysqlnd.net_read_timeout', (string) $patience);
    }
    $dsn = sprintf(
        'mysql:host=%s;port=%s;dbname=%s;charset=utf8mb4',
        setting('MYSQL_HOST', 'localhost'),
        setting('MYSQL_PORT', '3306'),
        setting('MYSQL_DATABASE', 'studip'),
    );
    return new PDO($dsn, setting('MYSQL_USER', 'studip'), secret('MYSQL_PASSWORD_FILE'), [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::ATTR_TIMEOUT => $timeout,
    ]);
}
