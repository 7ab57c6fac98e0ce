<?php

/**
 * Alive: PHP answers, whatever the rest of the platform does.
 */

declare(strict_types=1);

header('Content-Type: text/plain; charset=utf-8');
header('Cache-Control: no-store');
echo "alive\n";
