<?php

declare(strict_types=1);

namespace Demo;

/** A cache in files, each with the second in which it ends in its first line. */
final class FileCache extends Cache
{
    private const DAY = 86400; // s

    public function __construct(private readonly string $folder)
    {
        if (!is_dir($folder)) {
            @mkdir($folder, 0o700, true);
        }
    }

    public function kind(): string
    {
        return 'file';
    }

    public function read(string $key): ?string
    {
        $content = @file_get_contents($this->path($key));
        if ($content === false) {
            return null;
        }
        [$end, $value] = explode("\n", $content, 2);
        return (int) $end >= time() ? $value : null;
    }

    public function write(string $key, string $value, int $seconds): void
    {
        $new = tempnam($this->folder, 'new');
        file_put_contents($new, (time() + $seconds) . "\n{$value}");
        rename($new, $this->path($key));
    }

    public function count(string $key): int
    {
        $count = (int) $this->read($key) + 1;
        $this->write($key, (string) $count, self::DAY);
        return $count;
    }

    protected function reachable(): bool
    {
        return is_writable($this->folder);
    }

    private function path(string $key): string
    {
        return $this->folder . '/' . sha1($key);
    }
}
