-- The history of a lab: what every run came to. Raw evidence stays in the run folders; this can be made again from them.
CREATE TABLE nights (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    rig TEXT NOT NULL,
    battery TEXT NOT NULL,
    firmware TEXT NOT NULL,
    standing TEXT NOT NULL
) STRICT;
CREATE TABLE standings (
    night INTEGER NOT NULL REFERENCES nights(id) ON DELETE CASCADE,
    case_name TEXT NOT NULL,
    standing TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (night, case_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    night INTEGER REFERENCES nights(id) ON DELETE SET NULL,
    attempt INTEGER NOT NULL,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    started TEXT NOT NULL,
    took_ms INTEGER NOT NULL,
    harness TEXT NOT NULL,
    rig TEXT NOT NULL,
    simulated INTEGER NOT NULL,
    battery TEXT NOT NULL,
    firmware TEXT NOT NULL,
    seed INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    removed TEXT,
    UNIQUE (name, started)
) STRICT;
CREATE TABLE identity (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE cases (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    length_us INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE verdicts (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    case_name TEXT NOT NULL,
    requirement TEXT NOT NULL,
    severity TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, case_name, requirement)
) STRICT, WITHOUT ROWID;
CREATE TABLE figures (
    run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    case_name TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (run, case_name, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX nights_of ON nights (rig, battery, id);
CREATE INDEX runs_of ON runs (night);
