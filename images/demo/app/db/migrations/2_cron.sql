-- What the cron worker did, and on which replica.
CREATE TABLE IF NOT EXISTS heartbeats (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    replica VARCHAR(64)     NOT NULL,
    created TIMESTAMP(3)    NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    INDEX (created)
);
