<?php

declare(strict_types=1);

namespace Demo;

/** Who is there, and how often they came; nobody gets a cookie before they log in. */
final class Session
{
    private const COOKIE = 'Seminar_Session';
    private const LIFETIME = 7200; // s

    private bool $open = false;

    public function __construct(private readonly Database $database, private readonly bool $https)
    {
    }

    /** Begin a session of somebody; what was there before is forgotten. */
    public function login(string $name): void
    {
        $this->start();
        // A session that somebody else may have put into the browser must not become theirs.
        session_regenerate_id(true);
        $_SESSION = ['name' => $name, 'visits' => 1];
    }

    public function logout(): void
    {
        if ($this->resume()) {
            $_SESSION = [];
            session_destroy();
            setcookie(self::COOKIE, '', ['expires' => 1, 'path' => '/']);
            $this->open = false;
        }
    }

    /** Count a visit of whoever is logged in. */
    public function visit(): void
    {
        if ($this->resume()) {
            $_SESSION['visits']++;
        }
    }

    public function name(): ?string
    {
        return $this->resume() ? $_SESSION['name'] : null;
    }

    /** @return array{name: ?string, visits: int} */
    public function describe(): array
    {
        return $this->resume()
            ? ['name' => $_SESSION['name'], 'visits' => $_SESSION['visits']]
            : ['name' => null, 'visits' => 0];
    }

    private function resume(): bool
    {
        if (!isset($_COOKIE[self::COOKIE]) && !$this->open) {
            return false;
        }
        $this->start();
        return isset($_SESSION['name']);
    }

    private function start(): void
    {
        if ($this->open) {
            return;
        }
        session_set_save_handler(new SqlSessionHandler($this->database), true);
        session_start([
            'name' => self::COOKIE,
            'cookie_secure' => $this->https,
            'cookie_lifetime' => 0,
            'gc_maxlifetime' => self::LIFETIME,
        ]);
        $this->open = true;
    }
}
