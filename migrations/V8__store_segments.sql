-- Segments come into use. A flush with enough lines of one scope stores them as one row of log_segments_fresh; the
-- compactor merges those, and the rows of `logs`, into the larger segments of log_segments, which retention drops by the day.

-- Ids of lines are reserved by writers in blocks, for rows and segments alike.
ALTER SEQUENCE logs_id_seq INCREMENT BY 65536;

ALTER TABLE log_segments ADD COLUMN index_col bytea NOT NULL;
-- Compressed already; a part of a column is read without the rest.
ALTER TABLE log_segments
    ALTER COLUMN word_filter SET STORAGE EXTERNAL,
    ALTER COLUMN index_col SET STORAGE EXTERNAL,
    ALTER COLUMN ts_col SET STORAGE EXTERNAL,
    ALTER COLUMN level_col SET STORAGE EXTERNAL,
    ALTER COLUMN message_col SET STORAGE EXTERNAL,
    ALTER COLUMN meta_col SET STORAGE EXTERNAL,
    ALTER COLUMN trace_col SET STORAGE EXTERNAL,
    ALTER COLUMN request_col SET STORAGE EXTERNAL,
    ALTER COLUMN id_col SET STORAGE EXTERNAL;
-- The compactor makes the day that it writes to.
DROP TABLE log_segments_default;
-- What may still be merged: below a full segment (logstore::compactor::policy).
CREATE INDEX log_segments_open_idx ON log_segments (org_id, service_id, environment_id, expires_on)
    WHERE row_count < 16384;

-- As they were written. By the hour in which they were, so that the room of what was merged is given back by dropping the
-- hour, and not left as holes.
CREATE TABLE log_segments_fresh (
    LIKE log_segments INCLUDING DEFAULTS INCLUDING STORAGE,
    hour timestamptz NOT NULL DEFAULT date_trunc('hour', now(), 'UTC'),
    PRIMARY KEY (org_id, service_id, environment_id, max_ts, id, hour)
) PARTITION BY RANGE (hour);
CREATE TABLE log_segments_fresh_default PARTITION OF log_segments_fresh DEFAULT;
SELECT enforce_tenancy('log_segments_fresh');

GRANT INSERT ON log_segments_fresh TO sightline_ingest;
GRANT SELECT ON log_segments_fresh TO sightline_query;
REVOKE INSERT ON log_segments FROM sightline_ingest;

-- Merges and moves lines of one tenant at a time, under its policies like every reader.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sightline_compactor') THEN
        CREATE ROLE sightline_compactor LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this cluster was migrated at the same moment
END $$;
GRANT USAGE ON SCHEMA public TO sightline_compactor;
GRANT SELECT, DELETE ON logs, log_segments_fresh TO sightline_compactor;
GRANT SELECT, INSERT, DELETE ON log_segments TO sightline_compactor;
GRANT USAGE ON SEQUENCE log_segments_id_seq TO sightline_compactor;
GRANT SELECT ON services TO sightline_compactor;
GRANT SELECT, INSERT, UPDATE ON leases TO sightline_compactor;
GRANT SELECT ON refinery_schema_history TO sightline_compactor;

GRANT SELECT, DELETE ON log_segments, log_segments_fresh TO sightline_definer;

-- The answer that was given to a request, for whoever holds a key of its organisation.
CREATE FUNCTION find_receipt_by_id(org uuid, receipt uuid)
RETURNS TABLE (accepted integer, rejected jsonb, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT r.accepted, r.rejected, r.created_at FROM ingest_receipts r WHERE r.org_id = org AND r.id = receipt
$$;
ALTER FUNCTION find_receipt_by_id OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION find_receipt_by_id FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_receipt_by_id TO sightline_ingest;

-- What waits to be merged: lines by scope and the day on which they expire. Rows that are younger than `rows_after`
-- wait on; those of services that no longer exist are left to cleanup.
CREATE FUNCTION compaction_backlog_all_orgs(rows_after interval)
RETURNS TABLE (org_id uuid, service_id uuid, environment_id uuid, expires_on date, segments bigint, segment_rows bigint,
    loose_rows bigint, oldest timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT w.org_id, w.service_id, w.environment_id, w.expires_on, sum(w.segments)::bigint, sum(w.segment_rows)::bigint,
        sum(w.loose_rows)::bigint, min(w.oldest)
    FROM (
        SELECT f.org_id, f.service_id, f.environment_id, f.expires_on, count(*) AS segments,
            sum(f.row_count) AS segment_rows, 0 AS loose_rows, min(f.created_at) AS oldest
        FROM log_segments_fresh f GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT l.org_id, l.service_id, l.environment_id, (l.ts + make_interval(days => s.retention_days))::date + 1,
            0, 0, count(*), min(l.created_at)
        FROM logs l JOIN services s ON s.org_id = l.org_id AND s.id = l.service_id
        WHERE l.created_at < now() - rows_after
        GROUP BY 1, 2, 3, 4
    ) w
    WHERE w.expires_on > current_date -- the rest is cleanup's
    GROUP BY 1, 2, 3, 4
$$;
ALTER FUNCTION compaction_backlog_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION compaction_backlog_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compaction_backlog_all_orgs TO sightline_compactor;

-- Makes the partition of log_segments for what expires on a day. Runs as the owner of the tables, like those below.
CREATE FUNCTION make_segment_partition(day date) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text := 'log_segments_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day NOT BETWEEN current_date - 10 AND current_date + 36600 THEN
        RAISE EXCEPTION 'lines that expire on % cannot be kept', day;
    END IF;
    IF to_regclass('public.' || name) IS NULL THEN
        -- Attached, since that blocks no search; made as a partition it would wait for all of them.
        EXECUTE format('CREATE TABLE public.%I (LIKE public.log_segments INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE public.log_segments ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
            name, day, day + 1);
    END IF;
END $$;
REVOKE ALL ON FUNCTION make_segment_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_segment_partition TO sightline_compactor;

-- The days of log_segments that are over and hold nothing that a service still keeps: after a retention was lengthened, the
-- compactor moves lines to a later day, and until it has, their day stays.
CREATE FUNCTION expired_segment_partitions() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.log_segments'::regclass AND c.relname ~ '^log_segments_\d{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') <= current_date
      AND c.oid NOT IN (
          SELECT g.tableoid FROM log_segments g JOIN services s ON s.org_id = g.org_id AND s.id = g.service_id
          WHERE g.expires_on <= current_date AND g.max_ts >= now() - make_interval(days => s.retention_days))
    ORDER BY 1
$$;
ALTER FUNCTION expired_segment_partitions OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expired_segment_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expired_segment_partitions TO sightline_ingest;

CREATE FUNCTION drop_segment_partition(part text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF part NOT IN (SELECT expired_segment_partitions()) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE public.%I', part);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_segment_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_segment_partition TO sightline_ingest;

-- Merged segments whose service keeps them for longer or shorter than their day says, since its retention was changed.
CREATE FUNCTION misplaced_segments_all_orgs(batch integer)
RETURNS TABLE (org_id uuid, service_id uuid, environment_id uuid, max_ts timestamptz, id bigint, expires_on date, keep_until date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT g.org_id, g.service_id, g.environment_id, g.max_ts, g.id, g.expires_on, k.day
    FROM log_segments g JOIN services s ON s.org_id = g.org_id AND s.id = g.service_id
    CROSS JOIN LATERAL (SELECT greatest((g.max_ts + make_interval(days => s.retention_days))::date + 1, current_date + 1)
        AS day) k
    WHERE g.expires_on <> k.day AND (g.expires_on > current_date OR k.day > current_date + 1)
    LIMIT batch
$$;
ALTER FUNCTION misplaced_segments_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION misplaced_segments_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION misplaced_segments_all_orgs TO sightline_compactor;

-- Makes the hours of log_segments_fresh from this one on. An hour for which segments already lie in the default partition
-- is skipped: they stay readable there.
CREATE FUNCTION make_fresh_partitions(hours integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    start timestamptz;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sightline.fresh_partitions'));
    FOR start IN SELECT generate_series(date_trunc('hour', now()), date_trunc('hour', now())
        + make_interval(hours => least(hours, 100)), interval '1 hour') LOOP
        name := 'log_segments_fresh_' || to_char(start, 'YYYYMMDDHH24');
        IF to_regclass('public.' || name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE TABLE public.%I (LIKE public.log_segments_fresh INCLUDING ALL)', name);
                EXECUTE format('ALTER TABLE public.log_segments_fresh ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                    name, start, start + interval '1 hour');
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION make_fresh_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_fresh_partitions TO sightline_ingest;

-- The hours of log_segments_fresh that are over and empty. They may be dropped once no search can still see what was in
-- them.
CREATE FUNCTION empty_fresh_partitions() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.log_segments_fresh'::regclass AND c.relname ~ '^log_segments_fresh_\d{10}$'
      AND to_timestamp(right(c.relname, 10) || '+00', 'YYYYMMDDHH24TZH') < now() - interval '70 minutes'
      AND c.oid NOT IN (SELECT DISTINCT f.tableoid FROM log_segments_fresh f)
$$;
ALTER FUNCTION empty_fresh_partitions OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION empty_fresh_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION empty_fresh_partitions TO sightline_compactor;

-- Drops one of them. Nothing is written to an hour that is over, and what is not empty is kept.
CREATE FUNCTION drop_fresh_partition(part text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF part NOT IN (SELECT empty_fresh_partitions()) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE public.%I', part);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_fresh_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_fresh_partition TO sightline_compactor;

-- As before, and segments: at most a tenth of `batch` of them a call.
DROP FUNCTION expire_logs;
CREATE FUNCTION expire_logs(batch integer)
RETURNS TABLE (log_rows bigint, segments bigint, count_rows bigint, arrival_rows bigint, receipt_rows bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- By scope, so that the primary key finds the oldest rows of each without a scan. Scopes that no longer exist are
    -- known by their counts.
    WITH kept AS (
        SELECT org_id, id AS service_id, now() - make_interval(days => retention_days) AS oldest FROM services
    ), scopes AS (
        SELECT s.org_id, s.service_id, s.environment_id, coalesce(k.oldest, 'infinity') AS oldest
        FROM (SELECT org_id, service_id, id AS environment_id FROM environments
              UNION SELECT org_id, service_id, environment_id FROM log_counts) s
        LEFT JOIN kept k USING (org_id, service_id)
    ), doomed AS (
        SELECT s.org_id, s.service_id, s.environment_id, oldest.ts, oldest.id
        FROM scopes s CROSS JOIN LATERAL (
            SELECT l.ts, l.id FROM logs l
            WHERE l.org_id = s.org_id AND l.service_id = s.service_id AND l.environment_id = s.environment_id
              AND l.ts < s.oldest
            ORDER BY l.ts LIMIT batch
        ) oldest LIMIT batch
    ), gone AS (
        DELETE FROM logs l USING doomed d
        WHERE l.org_id = d.org_id AND l.service_id = d.service_id AND l.environment_id = d.environment_id
          AND l.ts = d.ts AND l.id = d.id
        RETURNING 1
    ) SELECT count(*) INTO log_rows FROM gone;

    -- Merged segments go with their day; these are of services that no longer exist, or were never merged.
    WITH doomed AS (
        SELECT g.tableoid AS part, g.ctid AS place FROM log_segments g
        WHERE NOT EXISTS (SELECT FROM services s WHERE s.org_id = g.org_id AND s.id = g.service_id) LIMIT batch / 10
    ), gone AS (
        DELETE FROM log_segments g USING doomed d WHERE g.tableoid = d.part AND g.ctid = d.place RETURNING 1
    ), doomed_fresh AS (
        SELECT f.tableoid AS part, f.ctid AS place FROM log_segments_fresh f
        WHERE f.expires_on <= current_date
           OR NOT EXISTS (SELECT FROM services s WHERE s.org_id = f.org_id AND s.id = f.service_id) LIMIT batch / 10
    ), gone_fresh AS (
        DELETE FROM log_segments_fresh f USING doomed_fresh d WHERE f.tableoid = d.part AND f.ctid = d.place RETURNING 1
    ) SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM gone_fresh) INTO segments;

    count_rows := 0;
    IF log_rows < batch AND segments = 0 THEN -- the counts name the scopes, so they go last, and a minute that is not over stays
        WITH gone AS (
            DELETE FROM log_counts c
            WHERE c.minute < coalesce((
                SELECT date_trunc('minute', now() - make_interval(days => s.retention_days)) FROM services s
                WHERE s.org_id = c.org_id AND s.id = c.service_id), 'infinity')
            RETURNING 1
        ) SELECT count(*) INTO count_rows FROM gone;
    END IF;

    -- Kept for replaying rules on history.
    WITH gone AS (DELETE FROM log_arrivals WHERE bucket < now() - interval '35 days' RETURNING 1)
    SELECT count(*) INTO arrival_rows FROM gone;

    WITH gone AS (DELETE FROM ingest_receipts WHERE created_at < now() - interval '24 hours' RETURNING 1)
    SELECT count(*) INTO receipt_rows FROM gone;
    RETURN NEXT;
END $$;
ALTER FUNCTION expire_logs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_logs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_logs TO sightline_ingest;
