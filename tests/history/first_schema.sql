BEGIN TRANSACTION;
CREATE TABLE hosts (
    run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, host TEXT NOT NULL, position INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0, status TEXT, result TEXT,
    PRIMARY KEY (run, host)
) STRICT, WITHOUT ROWID;
INSERT INTO "hosts" VALUES('20260102T030405-000001','r1',0,1,'ok','{"host": "r1", "address": "192.0.2.1", "port": 22, "rtt_ms": 0.5, "method": null, "attempts": 1, "duration_s": 0.0, "reason": null, "error": null, "sent": true, "status": "ok", "phase": null, "value": null, "commands": [{"command": "show clock", "exit_code": 0, "duration_s": 0.25, "truncated": false, "signal": null, "refused": null, "stdout": "8006c1dcdce9d5ba3e3905348e92b67b06d56b9796826f8f0b51776c6c0ce64f", "stderr": "a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89"}]}');
INSERT INTO "hosts" VALUES('20260102T030405-000001','r2',1,1,'unreachable','{"host": "r2", "address": null, "port": null, "rtt_ms": null, "method": null, "attempts": 0, "duration_s": 0.0, "reason": "no-reply", "error": "no reply", "sent": false, "status": "unreachable", "phase": "ping", "value": null, "commands": []}');
INSERT INTO "hosts" VALUES('20260102T030405-000001','r3',2,1,NULL,NULL);
INSERT INTO "hosts" VALUES('20260102T030405-000001','r4',3,0,NULL,NULL);
INSERT INTO "hosts" VALUES('20260102T030405-000002','r1',0,1,'ok','{"host": "r1", "address": null, "port": null, "rtt_ms": null, "method": null, "attempts": 0, "duration_s": 1.5, "reason": null, "error": null, "sent": false, "status": "ok", "phase": null, "value": "{''a'': 1}", "commands": [{"command": "x", "exit_code": 3, "duration_s": 0.0, "truncated": true, "signal": "KILL", "refused": null, "stdout": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "stderr": "8006c1dcdce9d5ba3e3905348e92b67b06d56b9796826f8f0b51776c6c0ce64f"}]}');
CREATE TABLE outputs (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "outputs" VALUES(X'8006C1DCDCE9D5BA3E3905348E92B67B06D56B9796826F8F0B51776C6C0CE64F',X'78013334B23230E0321C25474380AA210000CA4466BD');
INSERT INTO "outputs" VALUES(X'A8100AE6AA1940D0B663BB31CD466142EBBDBD5187131B92D93818987832EB89',X'7801FB0F0001000100');
INSERT INTO "outputs" VALUES(X'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855',X'7801030000000001');
CREATE TABLE runs (
    id TEXT PRIMARY KEY, task TEXT NOT NULL, commands TEXT NOT NULL, pattern TEXT, inventory TEXT NOT NULL,
    executor TEXT NOT NULL, workers INTEGER NOT NULL, started TEXT NOT NULL, finished TEXT
) STRICT;
INSERT INTO "runs" VALUES('20260102T030405-000001','run','["show clock"]','routers','["inventories/demo"]','thread',50,'2026-01-02T03:05:05+00:00',NULL);
INSERT INTO "runs" VALUES('20260102T030405-000002','upgrade','[]','routers','["inventories/demo"]','thread',50,'2026-01-02T03:06:05+00:00','2026-01-02T03:07:00+00:00');
COMMIT;
