<?php

declare(strict_types=1);

namespace Demo;

/** Numbered changes of the tables, in db/migrations/NUMBER_name.sql, one statement each. */
final class Migrations
{
    private const FOLDER = ROOT . '/db/migrations';

    public function __construct(private readonly Database $database)
    {
    }

    /**
     * Apply what is missing, in order.
     *
     * @param callable(string): void $say
     * @return int how many were applied
     */
    public function apply(callable $say): int
    {
        $done = $this->version();
        $applied = 0;
        foreach (self::files() as $number => $file) {
            if ($number <= $done) {
                continue;
            }
            $say("migrating to {$number}: " . basename($file));
            $this->database->run((string) file_get_contents($file));
            $this->database->run(
                "UPDATE schema_version SET version = ? WHERE domain = 'studip'",
                [$number],
            );
            $applied++;
        }
        return $applied;
    }

    /** Number of the last migration that this code knows. */
    public static function newest(): int
    {
        return array_key_last(self::files());
    }

    /** Number of the last migration that the database has. */
    public function version(): int
    {
        return (int) $this->database
            ->run("SELECT version FROM schema_version WHERE domain = 'studip'")
            ->fetchColumn();
    }

    /** @return non-empty-array<int, string> paths by number, in order */
    private static function files(): array
    {
        $files = [];
        foreach (glob(self::FOLDER . '/*.sql') as $file) {
            $files[(int) basename($file)] = $file;
        }
        ksort($files);
        return $files;
    }
}
