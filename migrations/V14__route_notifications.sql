-- Who is told, and what holds a notification back: routes, silences, maintenance windows. Every transition leaves a row in
-- the ledger, also where nobody was told, so that "why was I (not) told?" is answered from rows.

CREATE TABLE notification_routes (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    -- Routes are asked in this order.
    position integer NOT NULL,
    name text NOT NULL,
    min_severity text CONSTRAINT notification_routes_min_severity
        CHECK (min_severity IN ('low', 'medium', 'high', 'critical')),
    max_severity text CONSTRAINT notification_routes_max_severity
        CHECK (max_severity IN ('low', 'medium', 'high', 'critical')),
    service_id uuid,
    environment_id uuid,
    rule_id uuid,
    labels jsonb NOT NULL DEFAULT '{}',
    -- Whether the routes behind it are asked as well when it matches.
    continues boolean NOT NULL DEFAULT false,
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT notification_routes_name_key UNIQUE (org_id, name),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE,
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
CREATE INDEX notification_routes_order_idx ON notification_routes (org_id, position, id);
SELECT enforce_tenancy('notification_routes');

CREATE TABLE notification_route_channels (
    org_id uuid NOT NULL,
    route_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (org_id, route_id, channel_id),
    FOREIGN KEY (org_id, route_id) REFERENCES notification_routes ON DELETE CASCADE,
    FOREIGN KEY (org_id, channel_id) REFERENCES notification_channels ON DELETE CASCADE
);
SELECT enforce_tenancy('notification_route_channels');

-- A silence is ended, never deleted: it says who held back what, and why.
CREATE TABLE silences (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    min_severity text CONSTRAINT silences_min_severity CHECK (min_severity IN ('low', 'medium', 'high', 'critical')),
    max_severity text CONSTRAINT silences_max_severity CHECK (max_severity IN ('low', 'medium', 'high', 'critical')),
    service_id uuid,
    environment_id uuid,
    rule_id uuid,
    labels jsonb NOT NULL DEFAULT '{}',
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CONSTRAINT silences_has_length CHECK (ends_at >= starts_at),
    reason text NOT NULL,
    created_by uuid,
    created_by_email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When and by whom it was ended before its time.
    ended_at timestamptz,
    ended_by_email text,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE,
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
CREATE INDEX silences_ends_idx ON silences (org_id, ends_at);
CREATE INDEX silences_created_idx ON silences (org_id, created_at, id);
SELECT enforce_tenancy('silences');

CREATE TABLE maintenance_windows (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    reason text NOT NULL DEFAULT '',
    min_severity text CONSTRAINT maintenance_windows_min_severity
        CHECK (min_severity IN ('low', 'medium', 'high', 'critical')),
    max_severity text CONSTRAINT maintenance_windows_max_severity
        CHECK (max_severity IN ('low', 'medium', 'high', 'critical')),
    service_id uuid,
    environment_id uuid,
    rule_id uuid,
    labels jsonb NOT NULL DEFAULT '{}',
    -- {time_zone, days, start, duration_minutes}: when it comes again.
    schedule jsonb NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    created_by_email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE,
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, rule_id) REFERENCES alert_rules ON DELETE CASCADE
);
CREATE UNIQUE INDEX maintenance_windows_name_key ON maintenance_windows (org_id, name) WHERE deleted_at IS NULL;
CREATE INDEX maintenance_windows_created_idx ON maintenance_windows (org_id, created_at, id);
SELECT enforce_tenancy('maintenance_windows');

-- The newest episode of each alert that an Alertmanager told of, so that repeats and late reports change nothing.
CREATE TABLE external_alerts (
    org_id uuid NOT NULL,
    fingerprint text NOT NULL CONSTRAINT external_alerts_fingerprint CHECK (fingerprint <> ''),
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    is_over boolean NOT NULL,
    incident_id uuid,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, fingerprint),
    FOREIGN KEY (org_id, service_id, environment_id) REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
SELECT enforce_tenancy('external_alerts');

ALTER TABLE incidents ADD COLUMN IF NOT EXISTS labels jsonb NOT NULL DEFAULT '{}';
ALTER TABLE incidents DROP CONSTRAINT incidents_source;
ALTER TABLE incidents ADD CONSTRAINT incidents_source CHECK (source IN ('rule', 'manual', 'alertmanager', 'channel'));

-- How a channel fares: one that keeps failing is paused until a person or a test that passes says otherwise.
ALTER TABLE notification_channels
    ADD COLUMN consecutive_failures integer NOT NULL DEFAULT 0,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN paused_reason text,
    -- What to do when nobody knows whether a message arrived, and the receiver would not recognise a repeat.
    ADD COLUMN on_unknown text NOT NULL DEFAULT 'at_least_once'
        CONSTRAINT notification_channels_on_unknown CHECK (on_unknown IN ('at_least_once', 'at_most_once'));

-- A row without a channel says that the routes chose nobody.
ALTER TABLE notification_jobs ALTER COLUMN channel_id DROP NOT NULL;
ALTER TABLE notification_jobs DROP CONSTRAINT notification_jobs_state;
ALTER TABLE notification_jobs ADD CONSTRAINT notification_jobs_state
    CHECK (state IN ('pending', 'claimed', 'sent', 'dead', 'unknown', 'held', 'unrouted'));
ALTER TABLE notification_jobs ADD CONSTRAINT notification_jobs_has_channel
    CHECK (channel_id IS NOT NULL OR state = 'unrouted');
ALTER TABLE notification_jobs DROP CONSTRAINT notification_jobs_once;
ALTER TABLE notification_jobs ADD CONSTRAINT notification_jobs_once
    UNIQUE NULLS NOT DISTINCT (org_id, incident_id, channel_id, transition, sequence);
ALTER TABLE notification_jobs
    -- What chose the channel, fixed at the transition.
    ADD COLUMN chosen_by jsonb,
    -- What holds it back, as it was when that was last looked at; stays when the notification is sent after all.
    ADD COLUMN held jsonb,
    ADD COLUMN silence_id uuid,
    ADD COLUMN window_id uuid,
    -- When what holds it back is over; NULL when that does not end by itself, or ends nothing any more.
    ADD COLUMN held_until timestamptz,
    -- How the receiver names the message, so that it can be edited and answered.
    ADD COLUMN receiver_ref text,
    ADD FOREIGN KEY (org_id, silence_id) REFERENCES silences ON DELETE SET NULL (silence_id),
    ADD FOREIGN KEY (org_id, window_id) REFERENCES maintenance_windows ON DELETE SET NULL (window_id);
CREATE INDEX notification_jobs_held_idx ON notification_jobs (held_until) WHERE state = 'held';
CREATE INDEX notification_jobs_silence_idx ON notification_jobs (org_id, silence_id) WHERE silence_id IS NOT NULL;
CREATE INDEX notification_jobs_window_idx ON notification_jobs (org_id, window_id) WHERE window_id IS NOT NULL;
CREATE INDEX notification_jobs_state_idx ON notification_jobs (org_id, state, created_at, id)
    WHERE state IN ('dead', 'unknown', 'held', 'unrouted');

GRANT SELECT, INSERT, UPDATE, DELETE ON notification_routes, notification_route_channels TO sightline_alerting;
GRANT SELECT, INSERT, UPDATE ON silences, maintenance_windows, external_alerts TO sightline_alerting;
GRANT EXECUTE ON FUNCTION auth_api_key, touch_api_keys TO sightline_alerting;

-- Held notifications of all tenants whose time has come, oldest first.
CREATE FUNCTION held_notifications_due(most integer)
RETURNS TABLE (org_id uuid, job_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT j.org_id, j.id FROM notification_jobs j
    WHERE j.state = 'held' AND j.held_until <= now()
    ORDER BY j.held_until LIMIT most
$$;
ALTER FUNCTION held_notifications_due OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION held_notifications_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION held_notifications_due TO sightline_alerting;
