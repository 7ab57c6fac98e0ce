<?php

/**
 * Installs the database where it is empty, then migrates it; under a lock, so that any number of
 * these may start at once. Exit code 0: the database is as this version wants it.
 */

declare(strict_types=1);

use Studip\Runtime\Lease;

use const Studip\Runtime\REFUSED;

use function Studip\Runtime\database;
use function Studip\Runtime\setting;

require __DIR__ . '/environment.php';
require __DIR__ . '/lease.php';

const ROOT = '/var/www/studip';
const LOCK = 'studip-migrate';
// There while the installation is under way: one that was killed is done again from its start.
const UNDERWAY = 'installation_underway';
// Passes by itself: a cluster's members that do not agree yet, or a writer that is being replaced.
const PASSING = [...REFUSED, 1205, 1213];
const ATTEMPTS = 6;
const PAUSE = 2; // s between two of them
// What Stud.IP's releases call their dumps: [without, with demo data].
const DUMPS = [
    [
        ['studip-base-installation.sql', 'studip-root-user.sql'],
        ['studip-demo-installation.sql'],
    ],
    [
        ['studip-basic-installation.sql', 'studip-root-user.sql'],
        ['studip-demo-installation.sql'],
    ],
    [
        ['studip.sql', 'studip_default_data.sql', 'studip_root_user.sql'],
        ['studip.sql', 'studip_default_data.sql', 'studip_demo_data.sql'],
    ],
];

function say(string $message): void
{
    fwrite(STDERR, "migrate: {$message}\n");
}

/** A connection, as soon as the database answers; the last refusal when it does not in time. */
function connect(int $seconds): PDO
{
    $deadline = time() + $seconds;
    while (true) {
        try {
            return database();
        } catch (PDOException $error) {
            if (time() >= $deadline) {
                throw $error;
            }
            say("waiting for the database: {$error->getMessage()}");
            sleep(1);
        }
    }
}

function lock(PDO $database, int $seconds): void
{
    $statement = $database->prepare('SELECT GET_LOCK(?, ?)');
    $statement->execute([LOCK, $seconds]);
    if ((int) $statement->fetchColumn() !== 1) {
        throw new RuntimeException("another migration has held the lock for {$seconds} s");
    }
}

/** @return list<string> */
function tables(PDO $database): array
{
    return $database->query('SHOW TABLES')->fetchAll(PDO::FETCH_COLUMN);
}

function import(PDO $database, string $file): void
{
    say('importing ' . basename($file));
    $result = $database->query(file_get_contents($file));
    // An error of a later statement shows only when its result is asked for.
    while ($result->nextRowset());
}

/** @return list<string> paths of the dumps that make up an empty installation */
function dumps(bool $demo): array
{
    foreach (DUMPS as $choice) {
        $files = array_map(fn(string $name): string => ROOT . "/db/{$name}", $choice[(int) $demo]);
        if (array_filter($files, 'is_file') === $files) {
            return $files;
        }
    }
    throw new RuntimeException('no installation found in ' . ROOT . '/db');
}

function install(PDO $database): void
{
    $tables = tables($database);
    if (in_array(UNDERWAY, $tables, true)) {
        say('an installation was interrupted: beginning again');
        $database->exec('SET FOREIGN_KEY_CHECKS = 0');
        // The mark goes last, should this be interrupted too.
        foreach ([...array_diff($tables, [UNDERWAY]), UNDERWAY] as $table) {
            $database->exec("DROP TABLE `{$table}`");
        }
        $database->exec('SET FOREIGN_KEY_CHECKS = 1');
    } elseif ($tables !== []) {
        return;
    }
    $demo = !in_array(setting('DEMO_DATA', '0'), ['0', 'false', 'no'], true);
    $files = dumps($demo);
    $database->exec('CREATE TABLE ' . UNDERWAY . ' (begun TIMESTAMP NOT NULL)');
    foreach ($files as $file) {
        import($database, $file);
    }
    $database->exec('DROP TABLE ' . UNDERWAY);
    say('installed' . ($demo ? ', with demo data' : ''));
}

/** The whole of it; safe to begin again wherever it broke off. */
function migrate(PDO $database): void
{
    $database->exec('SET SESSION wait_timeout = 86400');
    lock($database, (int) setting('MIGRATE_LOCK_WAIT', '600'));
    install($database);
    Lease::install($database);
    passthru('php ' . escapeshellarg(ROOT . '/cli/studip') . ' migrate', $code);
    if ($code !== 0) {
        throw new RuntimeException("cli/studip migrate failed with exit code {$code}");
    }
}

try {
    for ($left = ATTEMPTS; $left > 0; $left--) {
        // The lock lives as long as this connection.
        $database = connect((int) setting('MIGRATE_WAIT', '60'));
        try {
            migrate($database);
            break;
        } catch (PDOException $error) {
            if ($left === 1 || !in_array((int) ($error->errorInfo[1] ?? 0), PASSING, true)) {
                throw $error;
            }
            say("beginning again: {$error->getMessage()}");
        }
        $database = null;
        sleep(PAUSE);
    }
    say('the database is up to date');
} catch (Throwable $error) {
    say("error: {$error->getMessage()}");
    exit(1);
}
