-- Tables of an installation, and something to look at in them.

CREATE TABLE schema_version (
    domain  VARCHAR(64)  NOT NULL PRIMARY KEY,
    version INT UNSIGNED NOT NULL,
    changed TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);

CREATE TABLE session_data (
    sid     VARCHAR(64) NOT NULL PRIMARY KEY,
    val     MEDIUMBLOB  NOT NULL,
    changed TIMESTAMP   NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    INDEX (changed)
);

CREATE TABLE files (
    id      CHAR(32)        NOT NULL PRIMARY KEY,
    name    VARCHAR(255)    NOT NULL,
    size    BIGINT UNSIGNED NOT NULL,
    sha256  CHAR(64)        NOT NULL,
    author  VARCHAR(64)     NOT NULL,
    replica VARCHAR(64)     NOT NULL,
    created TIMESTAMP(3)    NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    INDEX (created)
);

INSERT INTO schema_version (domain, version) VALUES ('studip', 1);

-- A session that nobody holds the cookie of: the list of people is not empty at first sight.
INSERT INTO session_data (sid, val) VALUES ('demo', 'name|s:12:"Ada Lovelace";visits|i:1;');
