-- How services tell one another, and how replicas agree on who does what.

-- Events to publish, written in the transaction that causes them, and taken by a relay. Never read by "id greater than
-- the last seen": a transaction that commits late would be missed.
CREATE TABLE outbox (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL CONSTRAINT outbox_id_key UNIQUE,
    routing_key text NOT NULL,
    envelope jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz,
    published_at timestamptz,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX outbox_unpublished_idx ON outbox (created_at) WHERE published_at IS NULL;
CREATE INDEX outbox_published_idx ON outbox (published_at) WHERE published_at IS NOT NULL;
SELECT enforce_tenancy('outbox');

-- Leadership: the holder's fence is checked in the statement that writes under it.
CREATE TABLE leases (
    name text PRIMARY KEY,
    owner uuid NOT NULL,
    fence bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE cron_runs (
    id bigserial PRIMARY KEY,
    job text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome text,
    report jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX cron_runs_job_idx ON cron_runs (job, started_at);

GRANT INSERT ON outbox TO sightline_identity, sightline_alerting, sightline_webhook;
GRANT SELECT, UPDATE, DELETE ON outbox TO sightline_definer;
GRANT SELECT, INSERT, UPDATE ON leases TO sightline_ingest, sightline_alerting, sightline_webhook;
GRANT SELECT, INSERT, UPDATE ON cron_runs TO sightline_ingest, sightline_alerting;
GRANT USAGE ON SEQUENCE cron_runs_id_seq TO sightline_ingest, sightline_alerting;

CREATE FUNCTION claim_outbox(batch integer, lease interval)
RETURNS TABLE (event_id uuid, routing_key text, envelope jsonb, lease_token uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE outbox o
    SET attempts = o.attempts + 1, lease_token = gen_random_uuid(), lease_until = now() + lease
    FROM (
        SELECT d.org_id, d.id FROM outbox d
        WHERE d.published_at IS NULL AND (d.lease_until IS NULL OR d.lease_until <= now())
        ORDER BY d.created_at LIMIT batch FOR UPDATE SKIP LOCKED
    ) due
    WHERE o.org_id = due.org_id AND o.id = due.id
    RETURNING o.id, o.routing_key, o.envelope, o.lease_token
$$;
ALTER FUNCTION claim_outbox OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION claim_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_outbox TO sightline_alerting, sightline_webhook;

-- Ends claims: published ones are marked, the others given back at once. Only the holder of the lease can.
CREATE FUNCTION settle_outbox(ids uuid[], tokens uuid[], published boolean[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE outbox o
    SET published_at = CASE WHEN t.published THEN now() END, lease_token = NULL, lease_until = NULL
    FROM unnest(ids, tokens, published) AS t (id, token, published)
    WHERE o.id = t.id AND o.lease_token = t.token
$$;
ALTER FUNCTION settle_outbox OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION settle_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_outbox TO sightline_alerting, sightline_webhook;

-- Published events are kept for an hour, for people who look into a delay.
CREATE FUNCTION expire_outbox() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH gone AS (DELETE FROM outbox WHERE published_at < now() - interval '1 hour' RETURNING 1)
    SELECT count(*) FROM gone
$$;
ALTER FUNCTION expire_outbox OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_outbox FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_outbox TO sightline_alerting, sightline_webhook;

CREATE FUNCTION outbox_backlog() RETURNS TABLE (events bigint, oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision
    FROM outbox WHERE published_at IS NULL
$$;
ALTER FUNCTION outbox_backlog OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION outbox_backlog FROM PUBLIC;
GRANT EXECUTE ON FUNCTION outbox_backlog TO sightline_alerting, sightline_webhook;
