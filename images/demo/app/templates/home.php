<?php

/**
 * @var string $site
 * @var string $url
 * @var string $replica
 * @var string $image
 * @var string $php
 * @var string $server
 * @var array{version: string, milliseconds: float, schema: int, newest_schema: int} $database
 * @var array{kind: string, reachable: bool, hits: int, misses: int} $cache
 * @var array{replica: string, age: float, count: int}|null $cron
 * @var array{name: ?string, visits: int} $session
 * @var int $files_count
 * @var list<array<string, mixed>> $files
 */

use function Demo\asset;
use function Demo\colour;
use function Demo\h;
use function Demo\ratio;
use function Demo\size;

$title = $site;
require __DIR__ . '/head.php';
?>
<header>
    <div>
        <h1><?= h($site) ?></h1>
        <p><?= h($url) ?></p>
    </div>
    <?php if ($session['name'] !== null) : ?>
        <form method="post" action="/logout">
            <span>Signed in as <strong><?= h($session['name']) ?></strong></span>
            <button class="quiet">Sign out</button>
        </form>
    <?php endif ?>
</header>
<main>
    <section class="hero hue-<?= colour($replica) ?>">
        <p class="label">This page came from replica</p>
        <p class="replica" id="replica"><?= h($replica) ?></p>
        <p class="fine">image <?= h($image) ?> · PHP <?= h($php) ?> · <?= h($server) ?></p>
        <ol class="answers" id="answers" aria-label="Which replica answered the latest requests"></ol>
        <ul class="legend" id="legend"></ul>
    </section>

    <section class="parts">
        <article>
            <h2><i class="good"></i>Database</h2>
            <p class="value" id="database"><?= h((string) $database['milliseconds']) ?> ms</p>
            <p class="fine"><?= h(preg_replace('/-\d.*/', '', $database['version'])) ?></p>
            <p class="fine">schema <?= $database['schema'] ?> of <?= $database['newest_schema'] ?></p>
        </article>
        <article>
            <h2><i class="<?= $cache['reachable'] ? 'good' : 'bad' ?>"></i>Cache</h2>
            <p class="value" id="cache"><?= h(ratio($cache['hits'], $cache['misses'])) ?></p>
            <p class="fine">hits, in <?= $cache['kind'] === 'redis' ? 'Redis, shared' : 'files of this replica' ?></p>
            <p class="fine" id="cache-counts"><?= $cache['hits'] ?> hits, <?= $cache['misses'] ?> misses</p>
        </article>
        <article>
            <h2><i class="<?= $cron !== null && $cron['age'] < 15 ? 'good' : 'bad' ?>" id="cron-state"></i>Cron</h2>
            <p class="value" id="cron"><?= $cron === null ? 'never' : h((string) round($cron['age'])) . ' s ago' ?></p>
            <p class="fine" id="cron-replica"><?= $cron === null ? 'no heartbeat yet' : 'on ' . h($cron['replica']) ?></p>
            <p class="fine" id="cron-count"><?= $cron === null ? '' : $cron['count'] . ' heartbeats' ?></p>
        </article>
        <article>
            <h2><i class="good"></i>Session</h2>
            <?php if ($session['name'] === null) : ?>
                <p class="value">nobody</p>
                <form method="post" action="/login">
                    <input name="name" placeholder="Name" maxlength="60" required aria-label="Your name">
                    <button>Sign in</button>
                </form>
            <?php else : ?>
                <p class="value" id="visits"><?= $session['visits'] ?></p>
                <p class="fine">visits of <?= h($session['name']) ?>, counted in SQL</p>
                <p class="fine">reload: any replica goes on counting</p>
            <?php endif ?>
        </article>
    </section>

    <section class="files">
        <h2>Files <span><?= $files_count ?></span></h2>
        <form method="post" action="/upload" enctype="multipart/form-data">
            <input type="file" name="file" required aria-label="File to upload">
            <button>Upload</button>
        </form>
        <?php if ($files === []) : ?>
            <p class="fine">Nothing uploaded yet. What is uploaded on one replica is read on all.</p>
        <?php else : ?>
            <table>
                <thead><tr><th>Name</th><th>Size</th><th>By</th><th>Uploaded on</th></tr></thead>
                <tbody>
                <?php foreach ($files as $file) : ?>
                    <tr>
                        <td><a href="/files/<?= h($file['id']) ?>"><?= h($file['name']) ?></a></td>
                        <td><?= h(size($file['size'])) ?></td>
                        <td><?= h($file['author']) ?></td>
                        <td><code class="hue-<?= colour($file['replica']) ?>"><?= h($file['replica']) ?></code></td>
                    </tr>
                <?php endforeach ?>
                </tbody>
            </table>
        <?php endif ?>
    </section>
</main>
<footer>
    <a href="/api/status">status as JSON</a>
</footer>
<script src="<?= asset('live.js') ?>" defer></script>
</body>
</html>
