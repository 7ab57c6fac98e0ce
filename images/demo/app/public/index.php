<?php

/**
 * Answers every address that is no file.
 */

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../lib/bootstrap.php';

Application::fromEnvironment()->answer(
    $_SERVER['REQUEST_METHOD'],
    parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/',
)->send();
