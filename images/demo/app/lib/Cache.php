<?php

declare(strict_types=1);

namespace Demo;

use function Studip\Runtime\secret;
use function Studip\Runtime\setting;

/** Values that may be forgotten at any time. */
abstract class Cache
{
    /** Redis, shared by all replicas, where CACHE_KIND says so; else files of this replica. */
    public static function fromEnvironment(): self
    {
        if (setting('CACHE_KIND') !== 'redis') {
            return new FileCache(sys_get_temp_dir() . '/studip_cache');
        }
        return new RedisCache(
            setting('CACHE_HOST', 'localhost'),
            (int) setting('CACHE_PORT', '6379'),
            secret('CACHE_PASSWORD_FILE'),
        );
    }

    abstract public function kind(): string;

    abstract public function read(string $key): ?string;

    abstract public function write(string $key, string $value, int $seconds): void;

    /** Add one to a counter; its new value, or 0 where the cache is away. */
    abstract public function count(string $key): int;

    /** The cached value of $make, made anew after $seconds; hits and misses are counted. */
    public function remember(string $key, int $seconds, callable $make): string
    {
        $value = $this->read($key);
        $this->count($value === null ? 'misses' : 'hits');
        if ($value === null) {
            $value = $make();
            $this->write($key, $value, $seconds);
        }
        return $value;
    }

    /** @return array{kind: string, reachable: bool, hits: int, misses: int} */
    public function describe(): array
    {
        return [
            'kind' => $this->kind(),
            'reachable' => $this->reachable(),
            'hits' => (int) $this->read('hits'),
            'misses' => (int) $this->read('misses'),
        ];
    }

    abstract protected function reachable(): bool;
}
