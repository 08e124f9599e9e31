-- Rules of more types, in versions that stay; what they decided, transition by transition; and the calls of jobs.

ALTER TABLE alert_rules
    -- How long a firing lasts beyond the end of its condition, at least.
    ADD COLUMN keep_firing_for_seconds integer NOT NULL DEFAULT 0
        CONSTRAINT alert_rules_keep_firing CHECK (keep_firing_for_seconds >= 0),
    ADD COLUMN labels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN runbook_url text,
    ADD COLUMN description text NOT NULL DEFAULT '',
    -- The last moment that was judged everywhere the rule looks; NULL: none yet.
    ADD COLUMN evaluated_to timestamptz;

ALTER TABLE alert_firings
    -- The same for this fingerprint, where it is ahead.
    ADD COLUMN evaluated_to timestamptz,
    -- The values of the fields that the rule groups by, by name; NULL where it groups by none.
    ADD COLUMN group_values jsonb;

-- Each definition that a rule has had.
CREATE TABLE alert_rule_versions (
    org_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    version integer NOT NULL,
    definition jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, rule_id, version),
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
SELECT enforce_tenancy('alert_rule_versions');

-- What rules decided. `at` is the moment that was judged, the same in a replay; `recorded_at` is when it was noticed.
CREATE TABLE alert_transitions (
    org_id uuid NOT NULL,
    id bigserial NOT NULL,
    rule_id uuid NOT NULL,
    rule_version integer NOT NULL,
    fingerprint text NOT NULL,
    service_id uuid,
    environment_id uuid,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    -- pending, held, fired, dropped or ended.
    transition text NOT NULL,
    -- The state that it led to, and why.
    state text NOT NULL,
    reason text NOT NULL,
    value double precision,
    threshold double precision,
    detail text NOT NULL,
    incident_id uuid,
    PRIMARY KEY (org_id, rule_id, id),
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
CREATE INDEX alert_transitions_recorded_idx ON alert_transitions (recorded_at);
SELECT enforce_tenancy('alert_transitions');

-- The address that a job calls: its secret is stored as a hash only.
CREATE TABLE alert_heartbeats (
    org_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT alert_heartbeats_token_key UNIQUE,
    -- What people may see of it.
    token_prefix text NOT NULL,
    last_beat_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, rule_id),
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
SELECT enforce_tenancy('alert_heartbeats');

CREATE TABLE alert_heartbeat_calls (
    org_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (org_id, rule_id, at),
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
CREATE INDEX alert_heartbeat_calls_at_idx ON alert_heartbeat_calls (at);
SELECT enforce_tenancy('alert_heartbeat_calls');

GRANT SELECT, INSERT ON alert_rule_versions, alert_transitions, alert_heartbeat_calls TO sightline_alerting;
GRANT SELECT, INSERT, UPDATE ON alert_heartbeats TO sightline_alerting;
GRANT USAGE ON SEQUENCE alert_transitions_id_seq TO sightline_alerting;
GRANT SELECT ON alert_transitions TO sightline_query;
-- Rules over a query read lines like the search does.
GRANT SELECT ON logs, log_segments, log_segments_fresh TO sightline_alerting;

GRANT SELECT, UPDATE (last_beat_at) ON alert_heartbeats TO sightline_definer;
GRANT SELECT, INSERT, DELETE ON alert_heartbeat_calls TO sightline_definer;
GRANT SELECT, DELETE ON alert_transitions TO sightline_definer;

-- Versions that were in force before versions were kept.
INSERT INTO alert_rule_versions (org_id, rule_id, version, definition, created_at)
SELECT r.org_id, r.id, r.version, jsonb_build_object('name', r.name, 'type', r.type, 'params', r.params_json,
    'severity', r.severity, 'service_id', r.service_id, 'environment_id', r.environment_id, 'enabled', r.enabled,
    'for_seconds', r.for_seconds, 'cooldown_seconds', r.cooldown_seconds, 'keep_firing_for_seconds', 0,
    'labels', '{}'::jsonb, 'runbook_url', NULL, 'description', ''), r.updated_at
FROM alert_rules r;

-- Notes the call of a job, by the wall clock, at most one in `every`. Nothing, for an unknown token.
CREATE FUNCTION note_heartbeat(hash bytea, every interval)
RETURNS TABLE (org_id uuid, rule_id uuid, noted boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
    called timestamptz := clock_timestamp();
    found_org uuid;
    found_rule uuid;
BEGIN
    UPDATE alert_heartbeats h SET last_beat_at = called
    WHERE h.token_hash = hash AND (h.last_beat_at IS NULL OR h.last_beat_at <= called - every)
    RETURNING h.org_id, h.rule_id INTO found_org, found_rule;
    IF FOUND THEN
        INSERT INTO alert_heartbeat_calls (org_id, rule_id, at) VALUES (found_org, found_rule, called)
        ON CONFLICT DO NOTHING;
        RETURN QUERY SELECT found_org, found_rule, true;
    ELSE
        RETURN QUERY SELECT h.org_id, h.rule_id, false FROM alert_heartbeats h WHERE h.token_hash = hash;
    END IF;
END $$;
ALTER FUNCTION note_heartbeat OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION note_heartbeat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_heartbeat TO sightline_alerting;

-- The moment up to which everything that arrived is visible to whoever looks after asking: no transaction of a writer of
-- facts that is still open began before it. Writers stamp arrivals within their transactions.
DO $$
BEGIN
    IF NOT pg_has_role('sightline_definer', 'pg_read_all_stats', 'USAGE') THEN
        GRANT pg_read_all_stats TO sightline_definer;
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN
    NULL; -- another database of this cluster was migrated at the same moment
END $$;
CREATE FUNCTION facts_settled_until() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    asked timestamptz := clock_timestamp();
    oldest timestamptz;
BEGIN
    PERFORM pg_stat_clear_snapshot();
    SELECT min(a.xact_start) INTO oldest FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.usename IN ('sightline_ingest', 'sightline_webhook');
    RETURN least(asked, oldest);
END $$;
ALTER FUNCTION facts_settled_until OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION facts_settled_until FROM PUBLIC;
GRANT EXECUTE ON FUNCTION facts_settled_until TO sightline_alerting;

-- What is older than history is replayed over.
CREATE FUNCTION expire_alert_history(keep interval, batch integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH old AS (
        SELECT t.org_id, t.rule_id, t.id FROM alert_transitions t WHERE t.recorded_at < now() - keep LIMIT batch
    ), gone AS (
        DELETE FROM alert_transitions t USING old
        WHERE t.org_id = old.org_id AND t.rule_id = old.rule_id AND t.id = old.id RETURNING 1
    ), old_calls AS (
        SELECT c.org_id, c.rule_id, c.at FROM alert_heartbeat_calls c WHERE c.at < now() - keep LIMIT batch
    ), gone_calls AS (
        DELETE FROM alert_heartbeat_calls c USING old_calls o
        WHERE c.org_id = o.org_id AND c.rule_id = o.rule_id AND c.at = o.at RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM gone_calls)
$$;
ALTER FUNCTION expire_alert_history OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_alert_history FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_alert_history TO sightline_alerting;

-- The organisations whose rules the sweep must look at: whose that waited longest first.
CREATE FUNCTION orgs_to_evaluate_all_orgs() RETURNS TABLE (org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT e.org_id FROM rules_to_evaluate_all_orgs() WITH ORDINALITY AS e (org_id, rule_id, place)
    GROUP BY e.org_id ORDER BY min(e.place)
$$;
ALTER FUNCTION orgs_to_evaluate_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION orgs_to_evaluate_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION orgs_to_evaluate_all_orgs TO sightline_alerting;
