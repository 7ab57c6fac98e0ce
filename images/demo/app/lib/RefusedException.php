<?php

declare(strict_types=1);

namespace Demo;

use RuntimeException;

/** A request that can't be fulfilled, with a message and a status for whoever sent it. */
final class RefusedException extends RuntimeException
{
    public function __construct(string $message, public readonly int $status = 400)
    {
        parent::__construct($message);
    }
}
