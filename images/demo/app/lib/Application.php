<?php

declare(strict_types=1);

namespace Demo;

use Throwable;

use function Studip\Runtime\setting;

/** Which address does what; README.md describes them. */
final class Application
{
    private const LONGEST_NAME = 60; // characters
    private const LONGEST_VALUE = 255; // characters
    private const MOST_WRITES = 10000; // in one answer

    public function __construct(
        private readonly Session $session,
        private readonly Files $files,
        private readonly Writes $writes,
        private readonly Status $status,
        private readonly string $url,
    ) {
    }

    public static function fromEnvironment(): self
    {
        $url = self::url();
        $database = new Database();
        $session = new Session($database, str_starts_with($url, 'https:'));
        $files = new Files($database);
        $status = new Status($database, Cache::fromEnvironment(), $session, $files, $url);
        return new self($session, $files, new Writes($database), $status, $url);
    }

    public function answer(string $method, string $path): Response
    {
        $json = str_starts_with($path, '/api/') || ($_GET['format'] ?? '') === 'json';
        try {
            return $this->route($method, $path, $json);
        } catch (RefusedException $refused) {
            $status = $refused->status;
            $message = $refused->getMessage();
        } catch (Throwable $error) {
            // The reason is for operators; the outside learns that it is not its fault.
            error_log(sprintf('%s %s: %s', $method, $path, $error->getMessage()));
            $status = 503;
            $message = 'The platform can not answer at the moment.';
        }
        return $json
            ? Response::json(['error' => $message, 'replica' => replica()], $status)
            : Response::page('error', compact('message', 'status') + ['url' => $this->url], $status);
    }

    private function route(string $method, string $path, bool $json): Response
    {
        if (preg_match('#^/(?:api/)?files/([0-9a-f]{32})$#', $path, $match) && $method === 'GET') {
            return $this->download($match[1]);
        }
        return match ("{$method} {$path}") {
            'GET /' => $this->home($json),
            'POST /login' => $this->login(true),
            'POST /logout' => $this->logout(true),
            'POST /upload' => $this->upload(true),
            'GET /api/status' => Response::json($this->status->describe()),
            'GET /api/session' => $this->visit(),
            'POST /api/login' => $this->login(false),
            'POST /api/logout' => $this->logout(false),
            'GET /api/files' => Response::json(['files' => $this->files->list()]),
            'POST /api/upload' => $this->upload(false),
            'GET /api/writes' => $this->listWrites(),
            'POST /api/write' => $this->write(),
            default => throw new RefusedException('There is nothing at this address.', 404),
        };
    }

    private function home(bool $json): Response
    {
        $this->session->visit();
        $status = $this->status->describe();
        return $json
            ? Response::json($status)
            : Response::page('home', $status + ['files' => $this->files->list(8)]);
    }

    private function visit(): Response
    {
        $this->session->visit();
        return Response::json($this->session->describe() + ['replica' => replica()]);
    }

    private function login(bool $form): Response
    {
        $this->session->login($this->field('name', self::LONGEST_NAME));
        return $form
            ? Response::redirect('/')
            : Response::json($this->session->describe() + ['replica' => replica()]);
    }

    private function logout(bool $form): Response
    {
        $this->session->logout();
        return $form ? Response::redirect('/') : Response::json(['name' => null]);
    }

    private function upload(bool $form): Response
    {
        $upload = $_FILES['file'] ?? null;
        if (!is_array($upload) || !is_string($upload['name'])) {
            throw new RefusedException('no file was sent in the field "file", or it is too large');
        }
        $entry = $this->files->store($upload, $this->session->name() ?? 'nobody');
        return $form ? Response::redirect('/') : Response::json($entry, 201);
    }

    private function download(string $id): Response
    {
        $entry = $this->files->find($id);
        $path = $this->files->path($id);
        if ($entry === null || !is_readable($path)) {
            throw new RefusedException('There is no such file.', 404);
        }
        return Response::download($path, $entry['name'], $entry['size']);
    }

    private function write(): Response
    {
        $value = $this->field('value', self::LONGEST_VALUE);
        $id = $this->writes->add($value);
        return Response::json(['id' => $id, 'value' => $value, 'replica' => replica()], 201);
    }

    private function listWrites(): Response
    {
        $after = filter_input(INPUT_GET, 'after', FILTER_VALIDATE_INT) ?: 0;
        return Response::json([
            'count' => $this->writes->count(),
            'writes' => $this->writes->after($after, self::MOST_WRITES),
        ]);
    }

    /** A text that the request must carry, in a form or as JSON. */
    private function field(string $name, int $longest): string
    {
        $sent = $_POST;
        if (str_starts_with($_SERVER['CONTENT_TYPE'] ?? '', 'application/json')) {
            $sent = json_decode((string) file_get_contents('php://input'), true);
        }
        $value = is_array($sent) ? $sent[$name] ?? null : null;
        if (!is_string($value) || trim($value) === '' || !mb_check_encoding($value, 'UTF-8')) {
            throw new RefusedException("the field \"{$name}\" must be a text that is not empty");
        }
        if (mb_strlen($value) > $longest) {
            throw new RefusedException("the field \"{$name}\" has more than {$longest} characters");
        }
        return trim($value);
    }

    /** Where users find the platform, with a slash at its end. */
    private static function url(): string
    {
        if (($url = setting('PROXY_URL')) !== '') {
            return rtrim($url, '/') . '/';
        }
        $forwarded = !in_array(setting('AUTO_PROXY', '0'), ['0', 'false', 'no'], true);
        $scheme = $forwarded ? $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? 'http' : 'http';
        $host = $forwarded ? $_SERVER['HTTP_X_FORWARDED_HOST'] ?? null : null;
        return "{$scheme}://" . ($host ?? $_SERVER['HTTP_HOST'] ?? 'localhost') . '/';
    }
}
