<?php

/**
 * Small helpers of the templates.
 */

declare(strict_types=1);

namespace Demo;

/** Text that is safe in HTML, also inside of attributes. */
function h(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE);
}

/** One of twelve hues for a replica, the same on every page; live.js computes it likewise. */
function colour(string $replica): int
{
    return array_sum(array_map(ord(...), str_split($replica))) % 12;
}

/** Share of hits, as a percentage. */
function ratio(int $hits, int $misses): string
{
    return $hits + $misses === 0 ? 'unused' : round(100 * $hits / ($hits + $misses)) . ' %';
}

/** A number of bytes as people read it. */
function size(int $bytes): string
{
    foreach (['B', 'KiB', 'MiB'] as $power => $unit) {
        if ($bytes < 1024 ** ($power + 1)) {
            return round($bytes / 1024 ** $power, $power === 0 ? 0 : 1) . " {$unit}";
        }
    }
    return round($bytes / 1024 ** 3, 1) . ' GiB';
}

/** Address of a file in public/assets, another one when its content changes: browsers keep it. */
function asset(string $name): string
{
    return "/assets/{$name}?" . hash_file('crc32b', ROOT . "/public/assets/{$name}");
}
