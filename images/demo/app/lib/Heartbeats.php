<?php

declare(strict_types=1);

namespace Demo;

/** Signs of life of the cron worker. */
final class Heartbeats
{
    private const KEPT_HOURS = 24;

    public function __construct(private readonly Database $database)
    {
    }

    public function beat(): void
    {
        $this->database->run('INSERT INTO heartbeats (replica) VALUES (?)', [replica()]);
    }

    public function forgetOld(): void
    {
        $this->database->run(
            'DELETE FROM heartbeats WHERE created < NOW() - INTERVAL ? HOUR',
            [self::KEPT_HOURS],
        );
    }

    /** @return array{replica: string, age: float, count: int}|null the last one, age in seconds */
    public function last(): ?array
    {
        $row = $this->database
            ->run(
                'SELECT replica, id AS count,
                        TIMESTAMPDIFF(MICROSECOND, created, NOW(3)) / 1e6 AS age
                 FROM heartbeats ORDER BY id DESC LIMIT 1',
            )
            ->fetch();
        return $row === false ? null : [
            'replica' => $row['replica'],
            'age' => round((float) $row['age'], 1),
            'count' => (int) $row['count'],
        ];
    }
}
