<?php

/**
 * The role cron: `cli/studip cronjobs:worker` again and again, while this node holds the lease.
 *
 * Two processes. The renewer talks to the database, which may take its time to answer, or never do.
 * The guard never waits: a worker whose lease was not confirmed for half its length is killed, and
 * nobody else gets the lease before its whole length is over.
 */

declare(strict_types=1);

use Studip\Runtime\Lease;

use function Studip\Runtime\database;
use function Studip\Runtime\setting;

require __DIR__ . '/environment.php';
require __DIR__ . '/lease.php';

const NAME = 'cron';
const RENEWAL = 1.0; // s between two
const GLANCE = 100_000; // us between two looks of the guard

function now(): float
{
    return hrtime(true) / 1e9; // one clock for both processes, which nobody sets
}

function say(string $message): void
{
    fwrite(STDERR, "cron: {$message}\n");
}

/** Keep the lease: one line with its moment for each renewal that the database confirmed. */
function renew(string $holder, float $length): void
{
    $lease = new Lease(NAME, $holder, $length);
    $database = null;
    $said = '';
    do {
        $asked = now();
        try {
            $database ??= database(timeout: 2, patience: 2, retry: 0);
            if ($lease->renew($database)) {
                printf("%.6f\n", $asked);
            }
            $said = '';
        } catch (PDOException $error) {
            $database = null;
            if ($error->getMessage() !== $said) {
                $said = $error->getMessage();
                say("error: the lease is not confirmed: {$said}");
            }
        }
        $read = [STDIN];
        $rest = (int) (max(0.0, $asked + RENEWAL - now()) * 1e6);
        $none = null;
    } while (stream_select($read, $none, $none, 0, $rest) === 0);
    // The guard that died with its worker says nothing: then the lease has to run out.
    if (fgets(STDIN) === "release\n") {
        $lease->release($database ?? database(timeout: 2, patience: 2, retry: 0));
    }
}

/** A child process; one that is to talk has pipes to and from us. */
final class Child
{
    /** @var resource */
    private $process;
    /** @var array<int, resource> */
    private array $pipes = [];

    /** @param list<string> $command */
    public function __construct(array $command, bool $talks)
    {
        $ends = $talks ? [['pipe', 'r'], ['pipe', 'w']] : [['file', '/dev/null', 'r'], STDOUT];
        $this->process = proc_open($command, [...$ends, STDERR], $this->pipes);
        if ($talks) {
            stream_set_blocking($this->pipes[1], false);
        }
    }

    public function runs(): bool
    {
        return proc_get_status($this->process)['running'];
    }

    public function tell(string $text): void
    {
        @fwrite($this->pipes[0], $text);
        fclose($this->pipes[0]);
    }

    public function read(): string
    {
        return (string) stream_get_contents($this->pipes[1]);
    }

    /** The process and all that it started. */
    public function kill(): void
    {
        posix_kill(-proc_get_status($this->process)['pid'], SIGKILL);
        while ($this->runs()) {
            usleep(1000);
        }
    }
}

final class Guard
{
    private ?Child $renewer = null;
    private ?Child $job = null;
    private float $confirmed = -INF;
    private float $due = 0.0;
    private bool $held = false;
    private bool $stopping = false;

    public function __construct(
        private readonly string $holder,
        private readonly float $length,
        private readonly float $interval,
    ) {
    }

    /** Until SIGTERM, and then until the job under way has ended. */
    public function run(): void
    {
        pcntl_async_signals(true);
        pcntl_signal(SIGTERM, function (): void {
            $this->stopping = true;
        });
        say(sprintf('looking for jobs every %g s', $this->interval));
        while (!$this->stopping || $this->job !== null) {
            $this->listen();
            $this->watch();
            usleep(GLANCE);
        }
        $this->renewer?->tell("release\n");
        for ($until = now() + 5; $this->renewer?->runs() && now() < $until;) {
            usleep(GLANCE);
        }
        say('stopped');
    }

    private function listen(): void
    {
        if (!$this->renewer?->runs()) {
            $command = ['php', __FILE__, 'renew', $this->holder, (string) $this->length];
            $this->renewer = new Child($command, true);
        }
        foreach (explode("\n", trim($this->renewer->read())) as $line) {
            $this->confirmed = max($this->confirmed, $line === '' ? -INF : (float) $line);
        }
        $held = now() - $this->confirmed < $this->length / 2;
        if ($held !== $this->held) {
            say($held ? 'this node has the lease' : 'the lease was not confirmed any more');
            $this->held = $held;
        }
    }

    private function watch(): void
    {
        if ($this->job !== null && !$this->held) {
            say('the job under way is killed');
            $this->job->kill();
        }
        if ($this->job !== null && !$this->job->runs()) {
            $this->job = null;
            $this->due = now() + $this->interval;
        }
        if ($this->job === null && $this->held && !$this->stopping && now() >= $this->due) {
            // A session of its own, so that all that it starts can be killed with it.
            $this->job = new Child(['setsid', 'php', 'cli/studip', 'cronjobs:worker'], false);
        }
    }
}

if (($argv[1] ?? '') === 'renew') {
    renew($argv[2], (float) $argv[3]);
} else {
    $holder = gethostname() . '-' . bin2hex(random_bytes(8));
    $length = (float) setting('CRON_LEASE', '20');
    (new Guard($holder, $length, (float) setting('CRON_INTERVAL', '60')))->run();
}
