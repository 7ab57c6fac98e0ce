<?php

declare(strict_types=1);

namespace Demo;

use Redis;
use RedisException;

/** A cache in Redis. One that is away costs speed, never a page. */
final class RedisCache extends Cache
{
    private const PREFIX = 'demo:';
    private const TIMEOUT = 0.5; // s

    private ?Redis $redis = null;
    private bool $away = false;

    public function __construct(
        private readonly string $host,
        private readonly int $port,
        #[\SensitiveParameter] private readonly string $password,
    ) {
    }

    public function kind(): string
    {
        return 'redis';
    }

    public function read(string $key): ?string
    {
        $value = $this->ask(fn(Redis $redis) => $redis->get(self::PREFIX . $key));
        return is_string($value) ? $value : null;
    }

    public function write(string $key, string $value, int $seconds): void
    {
        $this->ask(fn(Redis $redis) => $redis->setex(self::PREFIX . $key, $seconds, $value));
    }

    public function count(string $key): int
    {
        return (int) $this->ask(fn(Redis $redis) => $redis->incr(self::PREFIX . $key));
    }

    protected function reachable(): bool
    {
        return $this->ask(fn(Redis $redis) => $redis->ping()) !== null;
    }

    /** The answer, or nothing; after the first failure of a request nothing more is asked. */
    private function ask(callable $question): mixed
    {
        if ($this->away) {
            return null;
        }
        try {
            return $question($this->redis ??= $this->connect());
        } catch (RedisException $error) {
            error_log("the cache at {$this->host}:{$this->port} is away: {$error->getMessage()}");
            $this->away = true;
            return null;
        }
    }

    private function connect(): Redis
    {
        $redis = new Redis();
        $redis->connect($this->host, $this->port, self::TIMEOUT, null, 0, self::TIMEOUT);
        if ($this->password !== '') {
            $redis->auth($this->password);
        }
        return $redis;
    }
}
