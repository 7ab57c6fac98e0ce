<?php

/**
 * Ready to serve? 200 or 503 for the load balancer, exit code 0 or 1 on the command line.
 *
 * Asked with `?storage`, also whether the shared folders can be written: a replica that alone can't
 * leaves the requests to the others, but when nobody can, all go on with what they can do without.
 */

declare(strict_types=1);

use function Studip\Runtime\database;
use function Studip\Runtime\retry;

require __DIR__ . '/environment.php';

const SEEN = '/tmp/database-seen'; // changed whenever the database answers
const STORAGE = '/tmp/storage-used'; // changed each two seconds, by the entrypoint
const STORAGE_HANGS = 4; // s without a change

/** Why this replica is not ready; empty when it is. */
function reason(): string
{
    if (file_exists('/tmp/draining')) {
        return 'draining';
    }
    try {
        database(timeout: 1, patience: 1, retry: 0)->query('SELECT 1');
        @touch(SEEN);
    } catch (Throwable $error) {
        // While another member takes the writes over, requests wait for it. All replicas are in the
        // same boat: without them nobody would be left to wait with.
        if (time() - (int) @filemtime(SEEN) < retry()) {
            return '';
        }
        error_log('not ready: ' . $error->getMessage());
        return 'the database is not reachable';
    }
    if (isset($_GET['storage']) && time() - (int) @filemtime(STORAGE) > STORAGE_HANGS) {
        return "the shared storage can't be used";
    }
    return '';
}

$reason = reason();
if (PHP_SAPI === 'cli') {
    exit($reason === '' ? 0 : 1);
}
http_response_code($reason === '' ? 200 : 503);
header('Content-Type: text/plain; charset=utf-8');
header('Cache-Control: no-store');
echo $reason === '' ? 'ready' : $reason, "\n";
