<?php

declare(strict_types=1);

namespace Demo;

use SessionHandlerInterface;

/** Sessions in the table `session_data`, so that any replica can go on with any of them. */
final class SqlSessionHandler implements SessionHandlerInterface
{
    private string $read = '';

    public function __construct(private readonly Database $database)
    {
    }

    public function open(string $path, string $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        return true;
    }

    public function read(string $id): string
    {
        $value = $this->database
            ->run('SELECT val FROM session_data WHERE sid = ?', [$id])
            ->fetchColumn();
        return $this->read = $value === false ? '' : $value;
    }

    public function write(string $id, string $data): bool
    {
        if ($data !== $this->read) {
            $this->database->run(
                'INSERT INTO session_data (sid, val) VALUES (?, ?)
                 ON DUPLICATE KEY UPDATE val = VALUES(val)',
                [$id, $data],
            );
        }
        return true;
    }

    public function destroy(string $id): bool
    {
        $this->database->run('DELETE FROM session_data WHERE sid = ?', [$id]);
        return true;
    }

    public function gc(int $max_lifetime): int
    {
        return $this->database
            ->run('DELETE FROM session_data WHERE changed < NOW() - INTERVAL ? SECOND', [$max_lifetime])
            ->rowCount();
    }
}
