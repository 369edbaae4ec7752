CREATE TABLE ships (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    length_m REAL NOT NULL,
    registered_at TEXT NOT NULL
);

CREATE TABLE berths (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    length_m REAL NOT NULL
);

CREATE TABLE arrivals (
    id INTEGER PRIMARY KEY,
    ship_id INTEGER NOT NULL REFERENCES ships (id),
    berth_id INTEGER REFERENCES berths (id),
    arrived_at TEXT NOT NULL,
    departs_at TEXT NOT NULL,
    notified_at TEXT
);

CREATE INDEX arrivals_by_departure ON arrivals (departs_at, berth_id);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    queued_at TEXT NOT NULL,
    leased_until TEXT
);

CREATE INDEX jobs_by_state ON jobs (state, id);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

INSERT INTO berths (name, length_m) VALUES
    ('A1', 30), ('A2', 30), ('A3', 60), ('B1', 90), ('B2', 120), ('B3', 180), ('C1', 260), ('C2', 400);

INSERT INTO ships (name, length_m, registered_at) VALUES
    ('Aurora', 24, '2026-01-01T00:00:00.000+00:00'),
    ('Bonny Jean', 58, '2026-01-01T00:00:00.000+00:00'),
    ('Cormorant', 110, '2026-01-01T00:00:00.000+00:00');
