PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE attempt_ends (
	attempt TEXT NOT NULL, 
	ended TEXT NOT NULL, 
	result TEXT NOT NULL, 
	reason TEXT, 
	runs INTEGER NOT NULL, 
	new_scenes INTEGER NOT NULL, 
	tiles JSON NOT NULL, 
	unseen JSON NOT NULL, 
	PRIMARY KEY (attempt), 
	FOREIGN KEY(attempt) REFERENCES attempts (id)
);
INSERT INTO "attempt_ends" VALUES('8d025aeed1db','2026-11-26T09:55:40.927392Z','done',NULL,2,0,'{}','[]');
CREATE TABLE attempts (
	id TEXT NOT NULL, 
	site TEXT NOT NULL, 
	source TEXT NOT NULL, 
	period_start TEXT NOT NULL, 
	period_end TEXT NOT NULL, 
	began TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	version TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "attempts" VALUES('8d025aeed1db','testbase','demo','2025-01-01T00:00:00Z','2025-02-01T00:00:00Z','2026-11-26T09:55:40.885979Z','host',23470,'0.1.0');
CREATE TABLE finding_events (
	seq INTEGER NOT NULL, 
	finding TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	note TEXT NOT NULL, 
	run TEXT NOT NULL, 
	scenes JSON NOT NULL, 
	decided_time TEXT, 
	successor TEXT, 
	rule TEXT NOT NULL, 
	at TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(finding) REFERENCES findings (id), 
	UNIQUE (hash)
);
INSERT INTO "finding_events" VALUES(1,'05306f150f38','provisional','no_later_date','no later date has been compared yet','testbase/optical-0.5m_20250101T082000Z_20250111T082000Z','["scene-01-05.10", "scene-11-05.10"]',NULL,NULL,'persistence/1','2026-11-26T09:55:40.851663Z','0000000000000000000000000000000000000000000000000000000000000000','629177692e3e1f46b55f1081e9a8cb4721c792d88f6bddef1e64df7bcbbf1d9c');
INSERT INTO "finding_events" VALUES(2,'05306f150f38','confirmed','lasts','a later date shows the same','testbase/optical-0.5m_20250111T082000Z_20250121T082000Z','["scene-01-05.10", "scene-11-05.10", "scene-21-05.10"]','2025-01-21T08:20:00Z',NULL,'persistence/1','2026-11-26T09:55:40.858388Z','629177692e3e1f46b55f1081e9a8cb4721c792d88f6bddef1e64df7bcbbf1d9c','11df39d3c8bb858629e249e7aeaf802a8b2e10a71e70b024327b970f7f6bce2d');
CREATE TABLE findings (
	id TEXT NOT NULL, 
	site TEXT NOT NULL, 
	run TEXT NOT NULL, 
	sensor TEXT NOT NULL, 
	gsd_m FLOAT NOT NULL, 
	kind TEXT NOT NULL, 
	label TEXT NOT NULL, 
	score FLOAT NOT NULL, 
	zone TEXT, 
	length_m FLOAT NOT NULL, 
	before_scene TEXT NOT NULL, 
	before_time TEXT NOT NULL, 
	after_scene TEXT NOT NULL, 
	after_time TEXT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	recorded TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "findings" VALUES('05306f150f38','testbase','testbase/optical-0.5m_20250101T082000Z_20250111T082000Z','optical',0.4998,'appeared','aircraft',0.9,NULL,12.0,'scene-01-05.10','2025-01-01T08:20:00Z','scene-11-05.10','2025-01-11T08:20:00Z',1,'2026-11-26T09:55:40.849647Z');
CREATE TABLE runs (
	seq INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	report_sha256 TEXT NOT NULL, 
	site TEXT NOT NULL, 
	sensor TEXT NOT NULL, 
	gsd_m FLOAT NOT NULL, 
	before_scene TEXT NOT NULL, 
	before_time TEXT NOT NULL, 
	after_scene TEXT NOT NULL, 
	after_time TEXT NOT NULL, 
	status TEXT NOT NULL, 
	reason TEXT, 
	simulated BOOLEAN NOT NULL, 
	outcomes JSON NOT NULL, 
	created TEXT NOT NULL, 
	recorded TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (name, report_sha256)
);
INSERT INTO "runs" VALUES(1,'testbase/optical-0.5m_20250101T082000Z_20250111T082000Z','30acb56160716a53a1f98779b672a2f0cc4b86c38de43c2eb71230106fa0877b','testbase','optical',0.4998,'scene-01-05.10','2025-01-01T08:20:00Z','scene-11-05.10','2025-01-11T08:20:00Z','changed',NULL,1,'{"changed": 1, "unchanged": 0, "not_assessable": 0, "failed": 0}','2026-11-26T09:55:39Z','2026-11-26T09:55:40.829774Z');
INSERT INTO "runs" VALUES(2,'testbase/optical-0.5m_20250111T082000Z_20250121T082000Z','e4ac0df4f41673fe2354f8e04e029eadbe099e94c830e8708c844fce131197f9','testbase','optical',0.4998,'scene-11-05.10','2025-01-11T08:20:00Z','scene-21-05.10','2025-01-21T08:20:00Z','unchanged',NULL,1,'{"changed": 0, "unchanged": 1, "not_assessable": 0, "failed": 0}','2026-11-26T09:55:40Z','2026-11-26T09:55:40.829809Z');
CREATE TABLE scenes (
	site TEXT NOT NULL, 
	source TEXT NOT NULL, 
	id TEXT NOT NULL, 
	sensor TEXT NOT NULL, 
	platform TEXT NOT NULL, 
	gsd_m FLOAT NOT NULL, 
	acquired TEXT NOT NULL, 
	simulated BOOLEAN NOT NULL, 
	attempt TEXT NOT NULL, 
	PRIMARY KEY (site, source, id), 
	FOREIGN KEY(attempt) REFERENCES attempts (id)
);
CREATE INDEX ix_runs_site ON runs (site);
CREATE TRIGGER runs_no_update BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE TRIGGER runs_no_delete BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
CREATE INDEX ix_findings_site ON findings (site);
CREATE TRIGGER findings_no_update BEFORE UPDATE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
CREATE TRIGGER findings_no_delete BEFORE DELETE ON findings BEGIN SELECT RAISE(ABORT, 'findings is append-only'); END;
CREATE INDEX ix_attempts_site ON attempts (site);
CREATE TRIGGER attempts_no_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'attempts is append-only'); END;
CREATE INDEX ix_finding_events_finding ON finding_events (finding);
CREATE TRIGGER finding_events_no_update BEFORE UPDATE ON finding_events BEGIN SELECT RAISE(ABORT, 'finding_events is append-only'); END;
CREATE TRIGGER finding_events_no_delete BEFORE DELETE ON finding_events BEGIN SELECT RAISE(ABORT, 'finding_events is append-only'); END;
CREATE TRIGGER attempt_ends_no_update BEFORE UPDATE ON attempt_ends BEGIN SELECT RAISE(ABORT, 'attempt_ends is append-only'); END;
CREATE TRIGGER attempt_ends_no_delete BEFORE DELETE ON attempt_ends BEGIN SELECT RAISE(ABORT, 'attempt_ends is append-only'); END;
CREATE TRIGGER scenes_no_update BEFORE UPDATE ON scenes BEGIN SELECT RAISE(ABORT, 'scenes is append-only'); END;
CREATE TRIGGER scenes_no_delete BEFORE DELETE ON scenes BEGIN SELECT RAISE(ABORT, 'scenes is append-only'); END;
CREATE VIEW current_findings AS
SELECT f.*, e.state, e.reason, e.note, e.run AS decided_by, e.scenes AS decided_on, e.decided_time, e.successor,
       e.at AS since, e.seq
FROM findings AS f JOIN finding_events AS e ON e.finding = f.id
WHERE e.seq = (SELECT max(seq) FROM finding_events AS latest WHERE latest.finding = f.id);
COMMIT;
