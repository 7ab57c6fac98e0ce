<?php

/**
 * What the environment says: the database, and secrets in files.
 */

declare(strict_types=1);

namespace Studip\Runtime;

use PDO;
use PDOException;
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

// What a connection is refused with while another member takes the writes over: nothing listens,
// the proxy closes at once, the handshake breaks off, the member is not ready, or it is stopping.
const REFUSED = [2002, 2006, 2013, 1047, 1053];
const PAUSE = 200_000; // us between two attempts to connect

/** Seconds in which a refusal is not the last word. */
function retry(): float
{
    return (float) setting('MYSQL_RETRY', '8');
}

/**
 * A new connection to the database.
 *
 * @param int $timeout seconds until it must stand
 * @param int|null $patience seconds until an answer must come; the image's setting where null
 * @param float|null $retry seconds in which a refusal is not the last word; the setting where null
 * @throws \PDOException when it can't be had
 */
function database(int $timeout = 2, ?int $patience = null, ?float $retry = null): PDO
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
    $database = connect(
        PDO::class,
        $dsn,
        setting('MYSQL_USER', 'studip'),
        secret('MYSQL_PASSWORD_FILE'),
        $timeout,
        $retry,
    );
    $database->setAttribute(PDO::ATTR_DEFAULT_FETCH_MODE, PDO::FETCH_ASSOC);
    return $database;
}

/**
 * A connection of a class, PDO or one that extends it; Stud.IP's own come through here too.
 *
 * With MYSQL_SSL_CA_FILE only to a server that proves with a certificate that it is MYSQL_HOST.
 *
 * @param class-string<PDO> $class
 * @throws \PDOException when it can't be had
 */
function connect(
    string $class,
    string $dsn,
    ?string $user,
    #[\SensitiveParameter] ?string $password,
    int $timeout = 2,
    ?float $retry = null,
): PDO {
    $options = [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => $timeout];
    if (setting('MYSQL_SSL_CA_FILE') !== '') {
        $options[PDO::MYSQL_ATTR_SSL_CA] = setting('MYSQL_SSL_CA_FILE');
        $options[PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT] = true;
    }
    $until = microtime(true) + ($retry ?? retry());
    while (true) {
        try {
            return new $class($dsn, $user, $password, $options);
        } catch (PDOException $error) {
            $refused = in_array((int) ($error->errorInfo[1] ?? $error->getCode()), REFUSED, true);
            if (!$refused || microtime(true) >= $until) {
                throw $error;
            }
        }
        usleep(PAUSE);
    }
}
