<?php

declare(strict_types=1);

namespace Demo;

/** What goes back to the browser. */
final class Response
{
    /** @param array<string, string> $headers */
    private function __construct(
        private readonly int $status,
        private readonly array $headers,
        private readonly string $body = '',
        private readonly ?string $file = null,
    ) {
    }

    /** @param array<mixed> $value */
    public static function json(array $value, int $status = 200): self
    {
        $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR;
        return new self(
            $status,
            ['Content-Type' => 'application/json; charset=utf-8'],
            json_encode($value, $flags) . "\n",
        );
    }

    /** @param array<string, mixed> $values variables of the template */
    public static function page(string $template, array $values, int $status = 200): self
    {
        $render = static function (string $template, array $values): string {
            extract($values);
            ob_start();
            try {
                require $template;
                return (string) ob_get_contents();
            } finally {
                ob_end_clean();
            }
        };
        return new self(
            $status,
            [
                'Content-Type' => 'text/html; charset=utf-8',
                'Content-Security-Policy' => "default-src 'self'; frame-ancestors 'none'",
            ],
            $render(ROOT . "/templates/{$template}.php", $values),
        );
    }

    /** After a form was sent: the page that shows what came of it. */
    public static function redirect(string $address): self
    {
        return new self(303, ['Location' => $address]);
    }

    /** A file to be saved, never to be shown: what users uploaded must not run in this origin. */
    public static function download(string $path, string $name, int $size): self
    {
        return new self(
            200,
            [
                'Content-Type' => 'application/octet-stream',
                'Content-Disposition' => "attachment; filename*=UTF-8''" . rawurlencode($name),
                'Content-Length' => (string) $size,
            ],
            file: $path,
        );
    }

    public function send(): void
    {
        http_response_code($this->status);
        header('Cache-Control: no-store');
        header('X-Replica: ' . replica());
        if ($this->status === 503) {
            header('Retry-After: 2');
        }
        foreach ($this->headers as $name => $value) {
            header("{$name}: {$value}");
        }
        if ($this->file !== null) {
            readfile($this->file);
        } else {
            echo $this->body;
        }
    }
}
