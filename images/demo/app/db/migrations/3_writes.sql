-- Acknowledged writes, for those who count what a fault has lost.
CREATE TABLE IF NOT EXISTS writes (
    id      BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    value   VARCHAR(255)    NOT NULL,
    replica VARCHAR(64)     NOT NULL,
    created TIMESTAMP(3)    NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    UNIQUE (value)
);
