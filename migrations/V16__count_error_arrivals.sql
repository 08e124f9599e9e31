-- Lines of level error and above by template, counted as they arrive: what tells alert rules that an error is new, now and when
-- history is replayed. A line is counted here in the transaction that merges it for the first time, and is mined by whoever
-- asks until then (logstore::patterns::errors).

-- When it was written down that lines of a template are seen in a place; the first of them arrived before that.
ALTER TABLE log_pattern_places ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
UPDATE log_pattern_places SET recorded_at = least(first_seen, now());

CREATE TABLE log_error_arrivals (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    template_id bigint NOT NULL,
    -- The minute in which they arrived, by the database's clock.
    bucket timestamptz NOT NULL,
    lines bigint NOT NULL,
    PRIMARY KEY (org_id, service_id, environment_id, template_id, bucket),
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
SELECT enforce_tenancy('log_error_arrivals');

-- What was merged before is known by the times of its lines only: one of them, near the last.
INSERT INTO log_error_arrivals (org_id, service_id, environment_id, template_id, bucket, lines)
SELECT w.org_id, w.service_id, w.environment_id, w.template_id, date_trunc('minute', least(w.last_seen, now()), 'UTC'), 1
FROM log_pattern_places w WHERE w.is_error AND w.last_seen > now() - interval '35 days';

GRANT SELECT, INSERT, UPDATE ON log_error_arrivals TO sightline_compactor;
GRANT SELECT ON log_error_arrivals TO sightline_alerting;
GRANT SELECT, DELETE ON log_error_arrivals TO sightline_definer;

-- Removes what is older than history is replayed over, at most `batch` rows a call.
CREATE FUNCTION expire_log_error_arrivals(batch integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH doomed AS (
        SELECT a.org_id, a.service_id, a.environment_id, a.template_id, a.bucket
        FROM log_error_arrivals a WHERE a.bucket < now() - interval '35 days' LIMIT batch
    ), gone AS (
        DELETE FROM log_error_arrivals a USING doomed d
        WHERE a.org_id = d.org_id AND a.service_id = d.service_id AND a.environment_id = d.environment_id
          AND a.template_id = d.template_id AND a.bucket = d.bucket
        RETURNING 1
    ) SELECT count(*) FROM gone
$$;
ALTER FUNCTION expire_log_error_arrivals OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_log_error_arrivals FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_log_error_arrivals TO sightline_ingest;
