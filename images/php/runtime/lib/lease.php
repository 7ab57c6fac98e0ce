<?php

/**
 * A lease in the database: at most one holder at a time, on whichever node.
 *
 * No clock of another machine is trusted. The holder raises a number again and again; who wants the
 * lease must see the same number for its whole length, by a clock of its own, and then changes the
 * row only if it still is as it was seen. See docs/adr/0011-one-cron-worker.md.
 */

declare(strict_types=1);

namespace Studip\Runtime;

use PDO;
use PDOException;

final class Lease
{
    private const NOBODY = '';

    /** What the row said, and when that was first seen. */
    private string $seen = '';
    private float $since = 0.0;

    /**
     * @param string $holder differs from every other's, also from those of the same container
     * @param float $length seconds without a renewal after which it may go to another
     */
    public function __construct(
        private readonly string $name,
        private readonly string $holder,
        private readonly float $length,
    ) {
    }

    /** Make the table, where it is missing. */
    public static function install(PDO $database): void
    {
        $database->exec(
            'CREATE TABLE IF NOT EXISTS cluster_leases (
                name VARCHAR(64) NOT NULL PRIMARY KEY,
                holder VARCHAR(128) NOT NULL,
                renewed BIGINT UNSIGNED NOT NULL
            ) ENGINE = InnoDB',
        );
    }

    /**
     * Get it, or keep it.
     *
     * @return bool whether it is held, as of the moment when this was called
     * @throws PDOException when the database does not say: then nobody knows
     */
    public function renew(PDO $database): bool
    {
        $row = $this->row($database);
        if ($row === null) {
            return $this->insert($database);
        }
        [$holder, $renewed] = $row;
        if ($holder !== $this->holder && $holder !== self::NOBODY && !$this->isOver($holder, $renewed)) {
            return false;
        }
        $statement = $database->prepare(
            'UPDATE cluster_leases SET holder = ?, renewed = renewed + 1
             WHERE name = ? AND holder = ? AND renewed = ?',
        );
        $statement->execute([$this->holder, $this->name, $holder, $renewed]);
        return $statement->rowCount() === 1;
    }

    /** Give it back, so that the next one need not wait. */
    public function release(PDO $database): void
    {
        $database
            ->prepare('UPDATE cluster_leases SET holder = ? WHERE name = ? AND holder = ?')
            ->execute([self::NOBODY, $this->name, $this->holder]);
    }

    private function isOver(string $holder, string $renewed): bool
    {
        $now = hrtime(true) / 1e9;
        $row = "{$renewed} {$holder}";
        if ($row !== $this->seen) {
            [$this->seen, $this->since] = [$row, $now];
        }
        return $now - $this->since > $this->length;
    }

    /** @return array{string, string}|null */
    private function row(PDO $database): ?array
    {
        $statement = $database->prepare('SELECT holder, renewed FROM cluster_leases WHERE name = ?');
        $statement->execute([$this->name]);
        $row = $statement->fetch(PDO::FETCH_NUM);
        return $row === false ? null : [(string) $row[0], (string) $row[1]];
    }

    private function insert(PDO $database): bool
    {
        $statement = $database->prepare('INSERT IGNORE INTO cluster_leases VALUES (?, ?, 1)');
        $statement->execute([$this->name, $this->holder]);
        return $statement->rowCount() === 1;
    }
}
