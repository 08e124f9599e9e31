-- What lines have in common. The registry of templates, by service; how often each occurs stands beside the lines themselves,
-- in their segment, so that it is written, merged, moved and dropped with them and counts each exactly once.

-- Lines by template, level and five minutes (logstore::patterns). NULL in segments that were merged before.
ALTER TABLE log_segments ADD COLUMN pattern_counts bytea;
ALTER TABLE log_segments ALTER COLUMN pattern_counts SET STORAGE EXTERNAL; -- compressed already

CREATE TABLE log_patterns (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    -- A hash of the template, the same everywhere (domain::patterns).
    template_id bigint NOT NULL,
    text text NOT NULL,
    -- A line of it, and its level.
    sample text NOT NULL,
    level smallint NOT NULL,
    -- Hashes of its words.
    tokens bytea NOT NULL,
    is_general boolean NOT NULL,
    -- When it was last written, so that none is removed that is about to be used.
    touched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, service_id, template_id),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE
);
SELECT enforce_tenancy('log_patterns');

-- Where and when its lines were seen, by their own time: those of level error and above apart.
CREATE TABLE log_pattern_places (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    template_id bigint NOT NULL,
    environment_id uuid NOT NULL,
    is_error boolean NOT NULL,
    first_seen timestamptz NOT NULL,
    -- Exact to a day: it is written when it has moved by one.
    last_seen timestamptz NOT NULL,
    PRIMARY KEY (org_id, service_id, template_id, environment_id, is_error),
    FOREIGN KEY (org_id, service_id, template_id) REFERENCES log_patterns ON DELETE CASCADE,
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
-- For alert rules: which errors are new. And for the end of an environment.
CREATE INDEX log_pattern_places_new_idx ON log_pattern_places (org_id, environment_id, first_seen) WHERE is_error;
CREATE INDEX log_pattern_places_environment_idx ON log_pattern_places (org_id, service_id, environment_id);
SELECT enforce_tenancy('log_pattern_places');

GRANT SELECT, INSERT, UPDATE ON log_patterns, log_pattern_places TO sightline_compactor;
GRANT SELECT ON environments TO sightline_compactor;
GRANT SELECT ON log_patterns, log_pattern_places TO sightline_query, sightline_alerting;
GRANT SELECT, DELETE ON log_patterns, log_pattern_places TO sightline_definer;

-- Removes what has no lines any more, at most `batch` of each a call; returns how many templates were.
CREATE FUNCTION expire_log_patterns(batch integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    removed bigint;
BEGIN
    -- A day, by which the time may be too old, and one for lines that come late.
    DELETE FROM log_pattern_places p USING (
        SELECT o.org_id, o.service_id, o.template_id, o.environment_id, o.is_error
        FROM log_pattern_places o JOIN services s ON s.org_id = o.org_id AND s.id = o.service_id
        WHERE o.last_seen < now() - make_interval(days => s.retention_days + 2) LIMIT batch
    ) d
    WHERE p.org_id = d.org_id AND p.service_id = d.service_id AND p.template_id = d.template_id
      AND p.environment_id = d.environment_id AND p.is_error = d.is_error
      AND p.last_seen < now() - interval '2 days';

    WITH gone AS (
        DELETE FROM log_patterns p USING (
            SELECT o.org_id, o.service_id, o.template_id FROM log_patterns o
            WHERE o.touched_at < now() - interval '1 day' AND NOT EXISTS (
                SELECT FROM log_pattern_places w
                WHERE w.org_id = o.org_id AND w.service_id = o.service_id AND w.template_id = o.template_id)
            LIMIT batch
        ) d
        WHERE p.org_id = d.org_id AND p.service_id = d.service_id AND p.template_id = d.template_id
          AND p.touched_at < now() - interval '1 day'
        RETURNING 1
    ) SELECT count(*) INTO removed FROM gone;
    RETURN removed;
END $$;
ALTER FUNCTION expire_log_patterns OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_log_patterns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_log_patterns TO sightline_ingest;
