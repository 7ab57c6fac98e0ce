<?php

declare(strict_types=1);

namespace Demo;

use PDO;
use PDOStatement;

/** The one connection of a request; made when it is first needed. */
final class Database
{
    private const PATIENCE = 5; // s

    private ?PDO $connection = null;

    /** @param list<scalar|null> $values bound in order to the query's question marks */
    public function run(string $query, array $values = []): PDOStatement
    {
        $statement = $this->connection()->prepare($query);
        $statement->execute($values);
        return $statement;
    }

    public function insertedId(): int
    {
        return (int) $this->connection()->lastInsertId();
    }

    private function connection(): PDO
    {
        return $this->connection ??= \Studip\Runtime\database(patience: self::PATIENCE);
    }
}
