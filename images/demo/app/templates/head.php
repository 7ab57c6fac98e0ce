<?php

/**
 * @var string $title
 */

use function Demo\asset;
use function Demo\h;

?>
<!doctype html>
<html lang="en">
<head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title><?= h($title) ?></title>
    <link rel="icon" href="<?= asset('icon.svg') ?>" type="image/svg+xml">
    <link rel="stylesheet" href="<?= asset('style.css') ?>">
</head>
<body>
