-- What was deployed where, and what the providers told us about it.

CREATE TABLE service_github_integrations (
    org_id uuid NOT NULL,
    id uuid NOT NULL CONSTRAINT service_github_integrations_id_key UNIQUE,
    service_id uuid NOT NULL,
    repo_owner text NOT NULL,
    repo_name text NOT NULL,
    -- {"<GitHub environment, workflow or branch>": "<environment name>"}; "*" stands for any other, null for "no
    -- deployment".
    environment_mapping jsonb NOT NULL DEFAULT '{}',
    -- Sealed with the key that its first bytes name; never stored in clear.
    secret_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT service_github_integrations_service_key UNIQUE (org_id, service_id),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE
);
SELECT enforce_tenancy('service_github_integrations');

CREATE TABLE webhook_deliveries (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    integration_id uuid NOT NULL,
    provider text NOT NULL,
    delivery_id text NOT NULL,
    event text NOT NULL,
    -- SHA-256 of the body as it came.
    payload_hash bytea NOT NULL,
    -- The fields that the rules read; a body of 25 MiB is not kept.
    payload jsonb NOT NULL,
    status text NOT NULL CONSTRAINT webhook_deliveries_status CHECK (status IN ('applied', 'unchanged', 'ignored')),
    -- Why it was ignored, or what it changed, for people.
    detail text NOT NULL DEFAULT '',
    deployment_id uuid,
    attempts integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT uq_webhook_delivery_provider_id UNIQUE (org_id, integration_id, provider, delivery_id),
    FOREIGN KEY (org_id, integration_id) REFERENCES service_github_integrations ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_created_idx ON webhook_deliveries (org_id, created_at, id);
SELECT enforce_tenancy('webhook_deliveries');

CREATE TABLE deployments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    provider text NOT NULL,
    external_id text NOT NULL,
    attempt integer NOT NULL DEFAULT 1,
    status text NOT NULL CONSTRAINT deployments_status
        CHECK (status IN ('pending', 'in_progress', 'success', 'failure', 'cancelled', 'superseded')),
    -- When the provider says this status was reached; orders what it tells us.
    status_at timestamptz NOT NULL,
    name text NOT NULL DEFAULT '',
    commit_sha text,
    commit_message text,
    ref text,
    version text,
    actor text,
    url text,
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT deployments_external_key UNIQUE (org_id, service_id, provider, external_id),
    FOREIGN KEY (org_id, service_id, environment_id)
        REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
CREATE INDEX deployments_created_idx ON deployments (org_id, created_at, id);
CREATE INDEX deployments_scope_idx ON deployments (org_id, service_id, environment_id, status_at);
SELECT enforce_tenancy('deployments');

-- What was reported about a deployment, each report once, late ones too: the same set in whatever order they came.
CREATE TABLE deployment_status_history (
    org_id uuid NOT NULL,
    id bigserial NOT NULL,
    deployment_id uuid NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, deployment_id, id),
    CONSTRAINT deployment_status_history_report_key UNIQUE (org_id, deployment_id, attempt, status, at),
    FOREIGN KEY (org_id, deployment_id) REFERENCES deployments ON DELETE CASCADE
);
SELECT enforce_tenancy('deployment_status_history');

GRANT SELECT, INSERT, UPDATE, DELETE ON service_github_integrations, webhook_deliveries, deployments,
    deployment_status_history TO sightline_webhook;
GRANT USAGE ON SEQUENCE deployment_status_history_id_seq TO sightline_webhook;
GRANT SELECT ON deployments, deployment_status_history TO sightline_query, sightline_alerting;
GRANT SELECT ON service_github_integrations TO sightline_definer;

-- Whose integration a webhook's address names, and what its signature is checked with, before its tenant is known.
CREATE FUNCTION find_github_integration(integration uuid)
RETURNS TABLE (org_id uuid, secret_sealed bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT g.org_id, g.secret_sealed FROM service_github_integrations g WHERE g.id = integration
$$;
ALTER FUNCTION find_github_integration OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION find_github_integration FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_github_integration TO sightline_webhook;

-- Delivery ids recognise a redelivery, which GitHub offers for three days; the rows are kept longer for people.
GRANT SELECT, DELETE ON webhook_deliveries TO sightline_definer;

CREATE FUNCTION expire_webhook_deliveries(keep interval) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH old AS (
        SELECT d.org_id, d.id FROM webhook_deliveries d WHERE d.created_at < now() - keep LIMIT 10000
    ), gone AS (
        DELETE FROM webhook_deliveries d USING old WHERE d.org_id = old.org_id AND d.id = old.id RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
ALTER FUNCTION expire_webhook_deliveries OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_webhook_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_webhook_deliveries TO sightline_webhook;
