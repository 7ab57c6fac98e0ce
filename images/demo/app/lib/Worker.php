<?php

declare(strict_types=1);

namespace Demo;

use RuntimeException;

/** The cron worker. As in Stud.IP, its lock is a file: it can't see a second one elsewhere. */
final class Worker
{
    private const LOCK = '/tmp/studip-cronjob.lock';

    public function __construct(private readonly Heartbeats $heartbeats)
    {
    }

    /** Do what is due. */
    public function run(): void
    {
        $lock = fopen(self::LOCK, 'c');
        if ($lock === false || !flock($lock, LOCK_EX | LOCK_NB)) {
            throw new RuntimeException('another worker holds ' . self::LOCK);
        }
        $this->heartbeats->beat();
        $this->heartbeats->forgetOld();
    }
}
