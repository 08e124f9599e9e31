-- The log store. These tables have no foreign keys: ingest takes the scope from the key's record and nothing else, and
-- a check per row would triple the cost of a write.

CREATE TABLE logs (
    id bigserial NOT NULL,
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    -- 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 fatal. Not an enum: enum equality is not leakproof, so row-level
    -- security would turn its index off.
    level smallint NOT NULL,
    message text NOT NULL,
    meta_json jsonb,
    trace_id text,
    request_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Read backwards for "newest first".
    CONSTRAINT logs_scope_ts_idx PRIMARY KEY (org_id, service_id, environment_id, ts, id)
) PARTITION BY RANGE (ts);
-- Catches times for which no day was made.
CREATE TABLE logs_default PARTITION OF logs DEFAULT;
SELECT enforce_tenancy('logs');

-- Many lines of one scope as one row, column by column, compressed. Partitioned by the day on which it expires, so
-- that retention drops partitions.
CREATE TABLE log_segments (
    id bigserial NOT NULL,
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    expires_on date NOT NULL,
    min_ts timestamptz NOT NULL,
    max_ts timestamptz NOT NULL,
    first_id bigint NOT NULL,
    row_count integer NOT NULL,
    level_counts integer[] NOT NULL,
    word_filter bytea,
    ts_col bytea NOT NULL,
    level_col bytea NOT NULL,
    message_col bytea NOT NULL,
    meta_col bytea NOT NULL,
    trace_col bytea NOT NULL,
    request_col bytea NOT NULL,
    id_col bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, service_id, environment_id, max_ts, id, expires_on)
) PARTITION BY RANGE (expires_on);
CREATE TABLE log_segments_default PARTITION OF log_segments DEFAULT;
SELECT enforce_tenancy('log_segments');

-- Lines per minute of their own time, for histograms. Each writer connection has its own writer_id, so that replicas
-- never wait for one another's row locks; sums are taken at read.
CREATE TABLE log_counts (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    level smallint NOT NULL,
    writer_id integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (org_id, service_id, environment_id, minute, level, writer_id)
);
SELECT enforce_tenancy('log_counts');

-- Lines per 5 seconds of their arrival by the database's clock, for alerting: late lines and senders with a wrong clock
-- still trip a rule, and what a rule saw stays as it was, so that history can be replayed.
CREATE TABLE log_arrivals (
    org_id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    level smallint NOT NULL,
    writer_id integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (org_id, service_id, environment_id, bucket, level, writer_id)
);
CREATE INDEX log_arrivals_bucket_idx ON log_arrivals (bucket);
SELECT enforce_tenancy('log_arrivals');

CREATE SEQUENCE log_writer_id_seq AS integer CYCLE;

-- The answer to each request that brought an Idempotency-Key, written in the transaction that stores its lines.
CREATE TABLE ingest_receipts (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    request_hash bytea NOT NULL,
    accepted integer NOT NULL,
    rejected jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT ingest_receipts_key UNIQUE (org_id, api_key_id, idempotency_key)
);
CREATE INDEX ingest_receipts_created_idx ON ingest_receipts (created_at);
SELECT enforce_tenancy('ingest_receipts');

GRANT INSERT ON logs, log_segments TO sightline_ingest;
GRANT USAGE ON SEQUENCE logs_id_seq, log_segments_id_seq, log_writer_id_seq TO sightline_ingest;
GRANT SELECT ON logs, log_segments, log_counts TO sightline_query;
GRANT SELECT ON log_arrivals, log_counts TO sightline_alerting;

GRANT SELECT, DELETE ON logs TO sightline_definer;
GRANT SELECT, INSERT, UPDATE, DELETE ON log_counts, log_arrivals, ingest_receipts TO sightline_definer;

-- Adds counts of one flush; element i of each array belongs together, and the caller sends the keys sorted, so that
-- writers cannot deadlock. Arrival is now, by the wall clock.
CREATE FUNCTION add_log_counts(writer integer, orgs uuid[], service_ids uuid[], environment_ids uuid[],
    minutes timestamptz[], levels smallint[], counts bigint[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO log_counts AS c (org_id, service_id, environment_id, minute, level, writer_id, count)
    SELECT o, s, e, m, l, writer, n
    FROM unnest(orgs, service_ids, environment_ids, minutes, levels, counts) AS t (o, s, e, m, l, n)
    ON CONFLICT (org_id, service_id, environment_id, minute, level, writer_id)
    DO UPDATE SET count = c.count + excluded.count;

    INSERT INTO log_arrivals AS a (org_id, service_id, environment_id, bucket, level, writer_id, count)
    SELECT o, s, e, date_bin('5 seconds', clock_timestamp(), 'epoch'), l, writer, sum(n)
    FROM unnest(orgs, service_ids, environment_ids, minutes, levels, counts) AS t (o, s, e, m, l, n)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (org_id, service_id, environment_id, bucket, level, writer_id)
    DO UPDATE SET count = a.count + excluded.count;
$$;
ALTER FUNCTION add_log_counts OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION add_log_counts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_log_counts TO sightline_ingest;

-- Writes receipts, and returns the ids of those that are new: a key that another request brought before (or brings at
-- this moment: the insert waits for its end) is left out. Keys come sorted, so that writers cannot deadlock.
CREATE FUNCTION claim_receipts(orgs uuid[], ids uuid[], api_keys uuid[], keys text[], hashes bytea[],
    accepted integer[], rejected jsonb[]) RETURNS SETOF uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO ingest_receipts (org_id, id, api_key_id, idempotency_key, request_hash, accepted, rejected)
    SELECT * FROM unnest(orgs, ids, api_keys, keys, hashes, accepted, rejected)
    ON CONFLICT (org_id, api_key_id, idempotency_key) DO NOTHING
    RETURNING id
$$;
ALTER FUNCTION claim_receipts OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION claim_receipts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_receipts TO sightline_ingest;

CREATE FUNCTION find_receipt(org uuid, api_key uuid, key text)
RETURNS TABLE (receipt_id uuid, request_hash bytea, accepted integer, rejected jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT r.id, r.request_hash, r.accepted, r.rejected FROM ingest_receipts r
    WHERE r.org_id = org AND r.api_key_id = api_key AND r.idempotency_key = key
$$;
ALTER FUNCTION find_receipt OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION find_receipt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_receipt TO sightline_ingest;

-- Makes the day partitions of `logs` from first to last, if they are missing. Runs as the owner of the tables, since
-- only an owner may attach a partition. A day for which stray rows already lie in the default partition is skipped
-- and counted in skipped: its rows stay readable there.
CREATE FUNCTION make_log_partitions(first date, last date)
RETURNS TABLE (made integer, skipped integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    day date;
    name text;
BEGIN
    IF last - first > 400 THEN
        RAISE EXCEPTION 'at most 400 days at a time';
    END IF;
    made := 0;
    skipped := 0;
    PERFORM pg_advisory_xact_lock(hashtext('sightline.log_partitions'));
    FOR day IN SELECT generate_series(first, last, interval '1 day')::date LOOP
        name := 'logs_' || to_char(day, 'YYYYMMDD');
        IF to_regclass('public.' || name) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE TABLE public.%I PARTITION OF public.logs FOR VALUES FROM (%L) TO (%L)',
                    name, day::timestamptz, (day + 1)::timestamptz);
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                skipped := skipped + 1;
            END;
        END IF;
    END LOOP;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION make_log_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_log_partitions TO sightline_ingest;

-- Drops the day partitions of `logs` that end before the given day. The caller decides from the longest retention.
CREATE FUNCTION drop_log_partitions(before date) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    part text;
BEGIN
    IF before > current_date THEN
        RAISE EXCEPTION 'days that are not over cannot be dropped';
    END IF;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.logs'::regclass AND c.relname ~ '^logs_\d{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY 1
    LOOP
        EXECUTE format('DROP TABLE public.%I', part);
        RETURN NEXT part;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION drop_log_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_log_partitions TO sightline_ingest;

-- Deletes rows past their service's retention, rows of services that no longer exist, and counts likewise; at most
-- `batch` rows of `logs` a call, so that no transaction is long. Returns what it deleted.
CREATE FUNCTION expire_logs(batch integer)
RETURNS TABLE (log_rows bigint, count_rows bigint, arrival_rows bigint, receipt_rows bigint)
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

    count_rows := 0;
    IF log_rows < batch THEN -- the counts name the scopes, so they go last, and a minute that is not over stays
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

CREATE FUNCTION longest_retention_days() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT coalesce(max(retention_days), 1) FROM services
$$;
ALTER FUNCTION longest_retention_days OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION longest_retention_days FROM PUBLIC;
GRANT EXECUTE ON FUNCTION longest_retention_days TO sightline_ingest;
