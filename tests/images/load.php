<?php

/**
 * Writes as fast as the database takes them, and says of each one that was acknowledged when that
 * was: `<value> <seconds>`. Started with the number of processes.
 */

declare(strict_types=1);

use function Studip\Runtime\database;

require '/usr/local/lib/studip/environment.php';

for ($process = 1; $process < (int) $argv[1]; $process++) {
    if (pcntl_fork() === 0) {
        break;
    }
}
$database = null;
for ($value = 100_000_000 * $process; ; ) {
    try {
        $database ??= database(timeout: 2, patience: 2, retry: 0);
        $database->exec("INSERT IGNORE INTO load_test VALUES ({$value})");
        printf("%d %.3f\n", $value, microtime(true));
        $value++;
    } catch (PDOException $error) {
        fwrite(STDERR, "{$error->getMessage()}\n");
        $database = null;
    }
    usleep(5000);
}
