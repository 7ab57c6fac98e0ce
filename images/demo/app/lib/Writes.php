<?php

declare(strict_types=1);

namespace Demo;

/** Small records that are acknowledged only once the database has them. */
final class Writes
{
    public function __construct(private readonly Database $database)
    {
    }

    /** Keep a value; its number. The same value again, as after a retry, gets the same number. */
    public function add(string $value): int
    {
        $this->database->run(
            'INSERT INTO writes (value, replica) VALUES (?, ?)
             ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id)',
            [$value, replica()],
        );
        return $this->database->insertedId();
    }

    public function count(): int
    {
        return (int) $this->database->run('SELECT COUNT(*) FROM writes')->fetchColumn();
    }

    /** @return list<array{id: int, value: string, replica: string}> in order, after a number */
    public function after(int $id, int $limit): array
    {
        return $this->database
            ->run(
                'SELECT id, value, replica FROM writes WHERE id > ? ORDER BY id LIMIT ' . $limit,
                [$id],
            )
            ->fetchAll();
    }
}
