<?php

/**
 * @var string $message what to tell the user
 * @var int $status HTTP status
 */

use function Demo\h;
use function Demo\replica;

$title = "{$status}";
require __DIR__ . '/head.php';
?>
<main class="error">
    <p class="code"><?= $status ?></p>
    <h1><?= h($message) ?></h1>
    <p><?= $status === 503 ? 'Please try again in a moment.' : '' ?>
        <a href="/">To the start page</a></p>
    <p class="fine">answered by <code><?= h(replica()) ?></code></p>
</main>
</body>
</html>
