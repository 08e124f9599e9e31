-- Rules, what they did, incidents, and who was told.

CREATE TABLE alert_rules (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    -- NULL: every service, every environment.
    service_id uuid,
    environment_id uuid,
    name text NOT NULL,
    type text NOT NULL,
    params_json jsonb NOT NULL,
    severity text NOT NULL CONSTRAINT alert_rules_severity CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    enabled boolean NOT NULL DEFAULT true,
    -- How long the condition must hold before the rule fires.
    for_seconds integer NOT NULL DEFAULT 0 CONSTRAINT alert_rules_for CHECK (for_seconds >= 0),
    -- After firing, how long the same fingerprint does not fire again.
    cooldown_seconds integer NOT NULL DEFAULT 0 CONSTRAINT alert_rules_cooldown CHECK (cooldown_seconds >= 0),
    version integer NOT NULL DEFAULT 1,
    -- A deleted rule stays until its incidents are resolved by the evaluator.
    deleted_at timestamptz,
    last_evaluated_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT alert_rules_environment_has_service CHECK (environment_id IS NULL OR service_id IS NOT NULL),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE,
    FOREIGN KEY (org_id, service_id, environment_id)
        REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX alert_rules_name_key ON alert_rules (org_id, name) WHERE deleted_at IS NULL;
SELECT enforce_tenancy('alert_rules');

CREATE TABLE alert_firings (
    org_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    fingerprint text NOT NULL CONSTRAINT alert_firings_fingerprint CHECK (fingerprint <> ''),
    service_id uuid,
    environment_id uuid,
    state text NOT NULL CONSTRAINT alert_firings_state CHECK (state IN ('inactive', 'pending', 'firing')),
    -- Why it is in this state: the answer to "why was I (not) told?".
    reason text NOT NULL DEFAULT 'not_met',
    -- When the condition became true, in the present run of truth.
    pending_since timestamptz,
    -- When the rule last fired; outlives the firing, since the cooldown counts from it.
    fired_at timestamptz,
    last_true_at timestamptz,
    -- When the condition of a firing became false, in the present run of falsehood.
    clear_since timestamptz,
    last_evaluated_at timestamptz NOT NULL,
    last_value double precision,
    incident_id uuid,
    PRIMARY KEY (org_id, rule_id, fingerprint),
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
SELECT enforce_tenancy('alert_firings');

CREATE TABLE incidents (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    status text NOT NULL CONSTRAINT incidents_status CHECK (status IN ('open', 'acknowledged', 'resolved')),
    severity text NOT NULL CONSTRAINT incidents_severity CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    source text NOT NULL CONSTRAINT incidents_source CHECK (source IN ('rule', 'manual')),
    title text NOT NULL,
    summary text NOT NULL DEFAULT '',
    -- Without foreign keys: an incident outlives its rule and its service.
    rule_id uuid,
    service_id uuid,
    environment_id uuid,
    fingerprint text NOT NULL CONSTRAINT incidents_fingerprint CHECK (fingerprint <> ''),
    opened_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    resolved_at timestamptz,
    resolved_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);
-- One story per problem: racing evaluators cannot make twins.
CREATE UNIQUE INDEX incidents_unresolved_key ON incidents (org_id, fingerprint) WHERE status <> 'resolved';
CREATE INDEX incidents_opened_idx ON incidents (org_id, opened_at, id);
SELECT enforce_tenancy('incidents');

-- The timeline: every transition, page, acknowledgement, deployment and note is a row.
CREATE TABLE incident_events (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    actor_user_id uuid,
    message text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, incident_id) REFERENCES incidents ON DELETE CASCADE
);
CREATE INDEX incident_events_incident_idx ON incident_events (org_id, incident_id, at, id);
SELECT enforce_tenancy('incident_events');

CREATE TABLE notification_channels (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    type text NOT NULL,
    name text NOT NULL,
    -- The whole configuration sealed (addresses and tokens are secrets); hint is what people may see of it.
    config_sealed bytea NOT NULL,
    hint text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX notification_channels_name_key ON notification_channels (org_id, name) WHERE deleted_at IS NULL;
SELECT enforce_tenancy('notification_channels');

-- The ledger: one row per transition and target, written in the transaction of the transition.
CREATE TABLE notification_jobs (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    incident_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    -- opened, resolved, ...; with its sequence number within the incident.
    transition text NOT NULL,
    sequence integer NOT NULL,
    -- What to say, fixed at the transition: a retry tells the same story.
    message jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending'
        CONSTRAINT notification_jobs_state CHECK (state IN ('pending', 'claimed', 'sent', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    -- Attempts before a person last revived it: the schedule of retries counts from there.
    revived_at_attempt integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_token uuid,
    lease_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    PRIMARY KEY (org_id, id),
    CONSTRAINT notification_jobs_once UNIQUE (org_id, incident_id, channel_id, transition, sequence),
    FOREIGN KEY (org_id, incident_id) REFERENCES incidents ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES notification_channels ON DELETE CASCADE
);
CREATE INDEX notification_jobs_due_idx ON notification_jobs (next_attempt_at) WHERE state IN ('pending', 'claimed');
CREATE INDEX notification_jobs_dead_idx ON notification_jobs (settled_at) WHERE state = 'dead';
CREATE INDEX notification_jobs_created_idx ON notification_jobs (org_id, created_at, id);
CREATE INDEX notification_jobs_order_idx ON notification_jobs (org_id, incident_id, channel_id, sequence);
SELECT enforce_tenancy('notification_jobs');

CREATE TABLE notification_attempts (
    org_id uuid NOT NULL,
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer,
    -- sent, refused, failed, or unknown: the receiver may have got it although we saw no answer.
    outcome text NOT NULL CONSTRAINT notification_attempts_outcome
        CHECK (outcome IN ('started', 'sent', 'refused', 'failed', 'unknown')),
    http_status integer,
    detail text NOT NULL DEFAULT '',
    PRIMARY KEY (org_id, job_id, attempt),
    FOREIGN KEY (org_id, job_id) REFERENCES notification_jobs ON DELETE CASCADE
);
SELECT enforce_tenancy('notification_attempts');

GRANT SELECT, INSERT, UPDATE, DELETE ON alert_rules, alert_firings, incidents, notification_channels,
    notification_jobs TO sightline_alerting;
GRANT SELECT, INSERT ON incident_events TO sightline_alerting;
GRANT SELECT, INSERT, UPDATE ON notification_attempts TO sightline_alerting;
GRANT SELECT ON alert_rules, alert_firings, incidents TO sightline_query;

GRANT SELECT ON alert_rules, alert_firings, incidents TO sightline_definer;
GRANT SELECT, UPDATE (state, attempts, lease_token, lease_until) ON notification_jobs TO sightline_definer;

-- The rules of all tenants that the sweep must look at: enabled ones, others that still hold a firing to end, and
-- deleted ones, which the evaluator removes.
CREATE FUNCTION rules_to_evaluate_all_orgs()
RETURNS TABLE (org_id uuid, rule_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT r.org_id, r.id FROM alert_rules r
    WHERE r.enabled OR r.deleted_at IS NOT NULL
       OR EXISTS (SELECT FROM alert_firings f
                  WHERE f.org_id = r.org_id AND f.rule_id = r.id AND f.state <> 'inactive')
    ORDER BY r.last_evaluated_at NULLS FIRST, r.id
$$;
ALTER FUNCTION rules_to_evaluate_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION rules_to_evaluate_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rules_to_evaluate_all_orgs TO sightline_alerting;

-- Unresolved incidents that no rule will ever resolve: the rule went with its service or environment.
CREATE FUNCTION incidents_without_rule_all_orgs()
RETURNS TABLE (org_id uuid, incident_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT i.org_id, i.id FROM incidents i
    WHERE i.status <> 'resolved' AND i.source = 'rule'
      AND NOT EXISTS (SELECT FROM alert_rules r WHERE r.org_id = i.org_id AND r.id = i.rule_id)
$$;
ALTER FUNCTION incidents_without_rule_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION incidents_without_rule_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION incidents_without_rule_all_orgs TO sightline_alerting;

-- Takes due jobs of all tenants under a lease. A job waits for the earlier ones of its incident and channel, so that
-- nobody reads "resolved" before "opened". A lease that ran out (its worker died) is taken over. At most per_channel
-- jobs of one channel are out at a time, so that a receiver that hangs delays nobody else's pages.
CREATE FUNCTION claim_notification_jobs(batch integer, lease interval, per_channel integer)
RETURNS TABLE (org_id uuid, job_id uuid, lease_token uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH busy AS (
        SELECT c.org_id, c.channel_id, count(*) AS jobs FROM notification_jobs c
        WHERE c.state = 'claimed' AND c.lease_until > now() GROUP BY 1, 2
    ), due AS (
        SELECT d.org_id, d.id, d.next_attempt_at, coalesce(b.jobs, 0)
            + row_number() OVER (PARTITION BY d.org_id, d.channel_id ORDER BY d.next_attempt_at, d.created_at, d.id)
            AS place
        FROM notification_jobs d LEFT JOIN busy b ON b.org_id = d.org_id AND b.channel_id = d.channel_id
        WHERE ((d.state = 'pending' AND d.next_attempt_at <= now())
            OR (d.state = 'claimed' AND d.lease_until <= now()))
          AND NOT EXISTS (
              SELECT FROM notification_jobs e
              WHERE e.org_id = d.org_id AND e.incident_id = d.incident_id AND e.channel_id = d.channel_id
                AND e.sequence < d.sequence AND e.state IN ('pending', 'claimed'))
    ), locked AS (
        SELECT j.org_id, j.id FROM notification_jobs j JOIN due USING (org_id, id)
        WHERE due.place <= per_channel
          -- Again, on the row as it is once locked: another worker may have taken it meanwhile.
          AND ((j.state = 'pending' AND j.next_attempt_at <= now())
            OR (j.state = 'claimed' AND j.lease_until <= now()))
        ORDER BY due.next_attempt_at
        LIMIT batch
        FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE notification_jobs j
    SET state = 'claimed', attempts = j.attempts + 1, lease_token = gen_random_uuid(), lease_until = now() + lease
    FROM locked
    WHERE j.org_id = locked.org_id AND j.id = locked.id
    RETURNING j.org_id, j.id, j.lease_token
$$;
ALTER FUNCTION claim_notification_jobs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION claim_notification_jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_notification_jobs TO sightline_alerting;

-- How the ledger stands, for metrics.
CREATE FUNCTION notification_backlog()
RETURNS TABLE (waiting bigint, oldest_due_seconds double precision, dead bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT w.jobs, coalesce(greatest(0, extract(epoch FROM now() - w.oldest)), 0)::double precision, d.jobs
    FROM (SELECT count(*) AS jobs, min(next_attempt_at) AS oldest FROM notification_jobs
          WHERE state IN ('pending', 'claimed')) w,
         (SELECT count(*) AS jobs FROM notification_jobs
          WHERE state = 'dead' AND settled_at > now() - interval '7 days') d
$$;
ALTER FUNCTION notification_backlog OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION notification_backlog FROM PUBLIC;
GRANT EXECUTE ON FUNCTION notification_backlog TO sightline_alerting;
