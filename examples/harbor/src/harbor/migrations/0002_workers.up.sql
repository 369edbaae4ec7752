CREATE TABLE workers (
    release TEXT PRIMARY KEY,
    seen_at TEXT NOT NULL
);
