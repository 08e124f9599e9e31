-- Incidents that come back, wait, have somebody who looks after them, become one with others, and hold storms of firings.

ALTER TABLE incidents
    ADD COLUMN assignee_id uuid,
    -- Until then it tells nobody; the sweep wakes it.
    ADD COLUMN snoozed_until timestamptz,
    -- The incident that goes on with its story.
    ADD COLUMN merged_into uuid,
    ADD COLUMN reopened_at timestamptz,
    ADD COLUMN reopened_times integer NOT NULL DEFAULT 0,
    -- What a storm is of; NULL for an incident of its own.
    ADD COLUMN storm_of text CONSTRAINT incidents_storm_of CHECK (storm_of IN ('rule', 'service')),
    -- Firings that it is about, and when the last one came.
    ADD COLUMN firings bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_fired_at timestamptz,
    ADD FOREIGN KEY (org_id, assignee_id) REFERENCES org_members (org_id, user_id) ON DELETE SET NULL (assignee_id),
    ADD FOREIGN KEY (org_id, merged_into) REFERENCES incidents (org_id, id),
    ADD CONSTRAINT incidents_merged_are_resolved CHECK (merged_into IS NULL OR status = 'resolved'),
    ADD CONSTRAINT incidents_not_merged_into_itself CHECK (merged_into <> id);
CREATE INDEX incidents_assignee_idx ON incidents (org_id, assignee_id, opened_at, id) WHERE assignee_id IS NOT NULL;
CREATE INDEX incidents_merged_idx ON incidents (org_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX incidents_snoozed_idx ON incidents (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX incidents_fingerprint_idx ON incidents (org_id, fingerprint, opened_at);

-- The problems that an incident is about, one row a fingerprint. It ends when all of them are clear.
CREATE TABLE incident_members (
    org_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    incident_id uuid NOT NULL,
    fingerprint text NOT NULL CONSTRAINT incident_members_fingerprint CHECK (fingerprint <> ''),
    -- Without foreign keys: a story outlives its rule and its service.
    rule_id uuid,
    service_id uuid,
    environment_id uuid,
    title text NOT NULL,
    -- What was seen when it last fired.
    summary text NOT NULL DEFAULT '',
    severity text NOT NULL CONSTRAINT incident_members_severity CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    firings bigint NOT NULL DEFAULT 1,
    first_fired_at timestamptz NOT NULL,
    last_fired_at timestamptz NOT NULL,
    cleared_at timestamptz,
    -- The incident that it was in before the two became one.
    merged_from uuid,
    PRIMARY KEY (org_id, id),
    CONSTRAINT incident_members_once UNIQUE (org_id, incident_id, fingerprint),
    FOREIGN KEY (org_id, incident_id) REFERENCES incidents ON DELETE CASCADE
);
CREATE INDEX incident_members_order_idx ON incident_members (org_id, incident_id, first_fired_at, id);
CREATE INDEX incident_members_rule_idx ON incident_members (org_id, rule_id, last_fired_at);
CREATE INDEX incident_members_service_idx ON incident_members (org_id, service_id, last_fired_at);
CREATE INDEX incident_members_burning_idx ON incident_members (rule_id) WHERE cleared_at IS NULL AND rule_id IS NOT NULL;
SELECT enforce_tenancy('incident_members');

-- How an organisation wants its firings to become incidents; without a row, as everybody does.
CREATE TABLE incident_settings (
    org_id uuid PRIMARY KEY REFERENCES orgs ON DELETE CASCADE,
    -- For how long after its end a problem that comes back is the same incident.
    reopen_seconds integer NOT NULL CONSTRAINT incident_settings_reopen CHECK (reopen_seconds BETWEEN 0 AND 86400),
    -- So many firings of one rule or service within the window are one incident; NULL: never.
    storm_threshold integer CONSTRAINT incident_settings_threshold CHECK (storm_threshold BETWEEN 2 AND 10000),
    storm_window_seconds integer NOT NULL CONSTRAINT incident_settings_window CHECK (storm_window_seconds BETWEEN 5 AND 3600),
    updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT enforce_tenancy('incident_settings');

GRANT SELECT, INSERT, UPDATE, DELETE ON incident_members TO sightline_alerting;
GRANT SELECT, INSERT, UPDATE ON incident_settings TO sightline_alerting;
GRANT SELECT ON incident_members TO sightline_definer;

-- What fires already.
INSERT INTO incident_members (org_id, incident_id, fingerprint, rule_id, service_id, environment_id, title, summary,
    severity, first_fired_at, last_fired_at)
SELECT i.org_id, i.id, i.fingerprint, i.rule_id, i.service_id, i.environment_id, i.title, i.summary, i.severity,
    i.opened_at, i.opened_at
FROM incidents i WHERE i.status <> 'resolved' AND i.source IN ('rule', 'alertmanager');
UPDATE incidents SET firings = 1, last_fired_at = opened_at WHERE source IN ('rule', 'alertmanager');

-- A member of the organisation that the transaction is of, by name: whom an incident may be given to.
CREATE FUNCTION member_email(member uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT u.email FROM org_members m JOIN users u ON u.id = m.user_id
    WHERE m.org_id = nullif(current_setting('app.org_id', true), '')::uuid AND m.user_id = member
$$;
ALTER FUNCTION member_email OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION member_email FROM PUBLIC;
GRANT EXECUTE ON FUNCTION member_email TO sightline_alerting;

-- The repository of a service of the transaction's organisation, without its secret.
CREATE FUNCTION service_repository(service uuid) RETURNS TABLE (repo_owner text, repo_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT g.repo_owner, g.repo_name FROM service_github_integrations g
    WHERE g.org_id = nullif(current_setting('app.org_id', true), '')::uuid AND g.service_id = service
    LIMIT 1
$$;
ALTER FUNCTION service_repository OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION service_repository FROM PUBLIC;
GRANT EXECUTE ON FUNCTION service_repository TO sightline_alerting;

-- Incidents of all tenants whose moment to wake has come, oldest first.
CREATE FUNCTION snoozed_incidents_due(most integer) RETURNS TABLE (org_id uuid, incident_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT i.org_id, i.id FROM incidents i WHERE i.snoozed_until <= now() ORDER BY i.snoozed_until, i.id LIMIT most
$$;
ALTER FUNCTION snoozed_incidents_due OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION snoozed_incidents_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION snoozed_incidents_due TO sightline_alerting;

-- Problems of unresolved incidents that no rule will ever find clear: the rule went with its service or environment.
-- incidents_without_rule_all_orgs() stays, for replicas that are not replaced yet.
CREATE FUNCTION members_without_rule_all_orgs(most integer)
RETURNS TABLE (org_id uuid, incident_id uuid, fingerprint text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT m.org_id, m.incident_id, m.fingerprint
    FROM incident_members m JOIN incidents i ON i.org_id = m.org_id AND i.id = m.incident_id
    WHERE i.status <> 'resolved' AND m.cleared_at IS NULL AND m.rule_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM alert_rules r WHERE r.org_id = m.org_id AND r.id = m.rule_id)
    ORDER BY m.org_id, m.incident_id, m.fingerprint LIMIT most
$$;
ALTER FUNCTION members_without_rule_all_orgs OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION members_without_rule_all_orgs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION members_without_rule_all_orgs TO sightline_alerting;
