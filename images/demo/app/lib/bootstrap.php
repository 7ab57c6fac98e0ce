<?php

/**
 * Loads the application's classes, and the image's reading of the environment.
 */

declare(strict_types=1);

namespace Demo;

const ROOT = __DIR__ . '/..';

require '/usr/local/lib/studip/environment.php';
require __DIR__ . '/view.php';

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, __NAMESPACE__ . '\\')) {
        require __DIR__ . '/' . substr($class, strlen(__NAMESPACE__) + 1) . '.php';
    }
});

/** The container's own name, which tells replicas apart. */
function replica(): string
{
    return gethostname() ?: 'unknown';
}
