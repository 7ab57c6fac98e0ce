<?php

declare(strict_types=1);

namespace Demo;

use RuntimeException;

/** Uploaded files: what is in them on shared storage, what is known of them in the database. */
final class Files
{
    private const FOLDER = ROOT . '/data/upload_doc';

    public function __construct(private readonly Database $database)
    {
    }

    /**
     * Keep one file of `$_FILES`.
     *
     * @param array{name: string, tmp_name: string, error: int, size: int} $upload
     * @return array<string, mixed> the new entry
     * @throws RefusedException with what the user can do about it
     */
    public function store(array $upload, string $author): array
    {
        if ($upload['error'] !== UPLOAD_ERR_OK || !is_uploaded_file($upload['tmp_name'])) {
            throw new RefusedException(match ($upload['error']) {
                UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_FORM_SIZE => 'the file is too large',
                UPLOAD_ERR_NO_FILE => 'no file was chosen',
                default => 'the upload was not complete',
            });
        }
        $id = bin2hex(random_bytes(16));
        $path = $this->path($id);
        $sha256 = hash_file('sha256', $upload['tmp_name']);
        if (!is_dir(dirname($path)) && !@mkdir(dirname($path), 0o770) && !is_dir(dirname($path))) {
            throw new RuntimeException('the shared storage can not be written');
        }
        // Another replica sees the whole file under its name, or none.
        if (!@copy($upload['tmp_name'], "{$path}.part") || !rename("{$path}.part", $path)) {
            // A full storage must not stay full of what nobody will read.
            @unlink("{$path}.part");
            throw new RuntimeException('the shared storage can not be written');
        }
        $this->database->run(
            'INSERT INTO files (id, name, size, sha256, author, replica) VALUES (?, ?, ?, ?, ?, ?)',
            [$id, self::name($upload['name']), filesize($path), $sha256, $author, replica()],
        );
        return $this->find($id) ?? throw new RuntimeException('the file is gone already');
    }

    /** @return list<array<string, mixed>> the newest first */
    public function list(int $limit = 50): array
    {
        return array_map(
            self::describe(...),
            $this->database
                ->run('SELECT * FROM files ORDER BY created DESC, id LIMIT ' . $limit)
                ->fetchAll(),
        );
    }

    public function count(): int
    {
        return (int) $this->database->run('SELECT COUNT(*) FROM files')->fetchColumn();
    }

    /** @return array<string, mixed>|null */
    public function find(string $id): ?array
    {
        $row = $this->database->run('SELECT * FROM files WHERE id = ?', [$id])->fetch();
        return $row === false ? null : self::describe($row);
    }

    /** Where the content of a file of the database is. */
    public function path(string $id): string
    {
        return self::FOLDER . '/' . substr($id, 0, 2) . '/' . $id;
    }

    /** A name that is one, whatever the browser sent. */
    private static function name(string $sent): string
    {
        $name = preg_replace('/[\x00-\x1f\x7f\/\\\\]+/u', '_', mb_scrub(basename($sent)));
        return mb_substr(trim((string) $name) ?: 'unnamed', 0, 255);
    }

    /**
     * @param array<string, mixed> $row
     * @return array<string, mixed>
     */
    private static function describe(array $row): array
    {
        return ['size' => (int) $row['size']] + $row;
    }
}
