<?php

declare(strict_types=1);

namespace Demo;

use function Studip\Runtime\setting;

/** How the platform is, as seen by the replica that answers. */
final class Status
{
    private const COUNTED_FOR = 2; // s that the number of files is cached

    public function __construct(
        private readonly Database $database,
        private readonly Cache $cache,
        private readonly Session $session,
        private readonly Files $files,
        private readonly string $url,
    ) {
    }

    /** @return array<string, mixed> */
    public function describe(): array
    {
        $migrations = new Migrations($this->database);
        $begun = hrtime(true);
        $version = $this->database->run('SELECT VERSION()')->fetchColumn();
        $milliseconds = (hrtime(true) - $begun) / 1e6;
        $files = $this->cache->remember(
            'files',
            self::COUNTED_FOR,
            fn(): string => (string) $this->files->count(),
        );
        return [
            'site' => setting('STUDIP_NAME', 'Stud.IP demo'),
            'url' => $this->url,
            'replica' => replica(),
            'image' => setting('IMAGE_VERSION', 'development'),
            'php' => PHP_VERSION,
            'server' => PHP_SAPI,
            'database' => [
                'version' => $version,
                'milliseconds' => round($milliseconds, 2),
                'schema' => $migrations->version(),
                'newest_schema' => Migrations::newest(),
            ],
            'cache' => $this->cache->describe(),
            'cron' => (new Heartbeats($this->database))->last(),
            'session' => $this->session->describe(),
            'files_count' => (int) $files,
        ];
    }
}
