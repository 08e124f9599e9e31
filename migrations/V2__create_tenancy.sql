-- Organisations, people, services, environments and keys. Keys between tenant tables hold org_id on both sides: a
-- foreign key on the id alone would accept another tenant's id.

CREATE TABLE orgs (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
SELECT enforce_tenancy('orgs', 'id');

-- People belong to no tenant: one person may be a member of several.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL CONSTRAINT users_email_key UNIQUE,
    name text NOT NULL,
    password_hash text NOT NULL,
    -- The organisation that was active last: where the next session starts.
    last_org_id uuid REFERENCES orgs ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE org_members (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CONSTRAINT org_members_role CHECK (role IN ('admin', 'developer', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, user_id)
);
CREATE INDEX org_members_user_idx ON org_members (user_id);
SELECT enforce_tenancy('org_members');

CREATE TABLE invites (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL CONSTRAINT invites_role CHECK (role IN ('admin', 'developer', 'viewer')),
    token_hash bytea NOT NULL CONSTRAINT invites_token_hash_key UNIQUE,
    invited_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    PRIMARY KEY (org_id, id)
);
SELECT enforce_tenancy('invites');

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_token_hash bytea NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
    active_org_id uuid REFERENCES orgs ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ip inet,
    user_agent text
);
CREATE INDEX sessions_user_idx ON sessions (user_id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

-- Failed logins, counted per bucket: the hash of an account with or without a known device, or of an address.
CREATE TABLE login_throttle (
    bucket bytea PRIMARY KEY,
    failures integer NOT NULL,
    window_start timestamptz NOT NULL,
    blocked_until timestamptz
);
CREATE INDEX login_throttle_window_idx ON login_throttle (window_start);

CREATE TABLE services (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    repo_url text,
    retention_days integer NOT NULL DEFAULT 30
        CONSTRAINT services_retention_days CHECK (retention_days BETWEEN 1 AND 3650),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT services_name_key UNIQUE (org_id, name)
);
SELECT enforce_tenancy('services');

CREATE TABLE environments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT environments_service_id_key UNIQUE (org_id, service_id, id),
    CONSTRAINT environments_name_key UNIQUE (org_id, service_id, name),
    FOREIGN KEY (org_id, service_id) REFERENCES services ON DELETE CASCADE
);
SELECT enforce_tenancy('environments');

CREATE TABLE api_keys (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    name text NOT NULL,
    key_prefix text NOT NULL,
    key_hash bytea NOT NULL CONSTRAINT api_keys_hash_key UNIQUE,
    scopes text[] NOT NULL,
    -- NULL: the installation's default; otherwise log lines a minute.
    rate_limit_per_minute integer CONSTRAINT api_keys_rate_limit CHECK (rate_limit_per_minute > 0),
    created_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (org_id, id),
    CONSTRAINT api_keys_id_key UNIQUE (id),
    FOREIGN KEY (org_id, service_id, environment_id)
        REFERENCES environments (org_id, service_id, id) ON DELETE CASCADE
);
CREATE INDEX api_keys_environment_idx ON api_keys (org_id, service_id, environment_id);
SELECT enforce_tenancy('api_keys');

-- Leased tokens: count is how many of the minute's lines were handed out to ingest processes.
CREATE TABLE api_key_rate_buckets (
    org_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    window_start timestamptz NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (api_key_id, window_start),
    FOREIGN KEY (org_id, api_key_id) REFERENCES api_keys ON DELETE CASCADE
);
SELECT enforce_tenancy('api_key_rate_buckets');

-- Append-only by grant: no service role may update or delete.
CREATE TABLE audit_logs (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    -- Kept without a foreign key, so that the trail outlives its actor.
    actor_user_id uuid,
    actor_email text,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id uuid,
    before jsonb,
    after jsonb,
    ip inet,
    request_id text,
    PRIMARY KEY (org_id, id)
);
CREATE INDEX audit_logs_at_idx ON audit_logs (org_id, at, id);
SELECT enforce_tenancy('audit_logs');

GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, login_throttle, orgs, org_members, invites, services,
    environments, api_keys TO sightline_identity;
GRANT SELECT, INSERT ON audit_logs TO sightline_identity;
GRANT INSERT ON audit_logs TO sightline_alerting, sightline_webhook, sightline_query;
GRANT SELECT ON orgs, services, environments TO sightline_query, sightline_alerting, sightline_webhook;

-- Look-ups that precede a tenant. They run as sightline_definer, which may read just these tables, and return just
-- what the caller needs.
GRANT SELECT ON users, orgs, org_members, invites, services, environments TO sightline_definer;
GRANT SELECT, UPDATE (last_seen_at) ON sessions TO sightline_definer;
GRANT SELECT, UPDATE (last_used_at) ON api_keys TO sightline_definer;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key_rate_buckets TO sightline_definer;

-- The session behind a cookie, if it is neither expired nor idle for longer than max_idle. A session whose active
-- organisation no longer has its user as a member comes back without an organisation.
CREATE FUNCTION auth_session(token_hash bytea, max_idle interval)
RETURNS TABLE (session_id uuid, user_id uuid, email text, user_name text, org_id uuid, role text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    -- Once a minute is enough for idle expiry, and keeps reads from writing.
    UPDATE sessions s SET last_seen_at = now()
    WHERE s.session_token_hash = token_hash AND s.expires_at > now()
      AND s.last_seen_at > now() - max_idle AND s.last_seen_at < now() - interval '1 minute';
    RETURN QUERY
        SELECT s.id, u.id, u.email, u.name, m.org_id, m.role
        FROM sessions s
        JOIN users u ON u.id = s.user_id
        LEFT JOIN org_members m ON m.user_id = s.user_id AND m.org_id = s.active_org_id
        WHERE s.session_token_hash = token_hash AND s.expires_at > now() AND s.last_seen_at > now() - max_idle;
END $$;
ALTER FUNCTION auth_session OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION auth_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth_session TO sightline_query, sightline_identity, sightline_alerting, sightline_webhook;

-- The key behind a hash, revoked and expired ones too, so that their holder can be told which it is.
CREATE FUNCTION auth_api_key(hash bytea)
RETURNS TABLE (api_key_id uuid, org_id uuid, service_id uuid, environment_id uuid, scopes text[],
    rate_limit_per_minute integer, retention_days integer, revoked boolean, expires_at timestamptz, expired boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT k.id, k.org_id, k.service_id, k.environment_id, k.scopes, k.rate_limit_per_minute, s.retention_days,
        k.revoked_at IS NOT NULL, k.expires_at, coalesce(k.expires_at <= now(), false)
    FROM api_keys k JOIN services s ON s.org_id = k.org_id AND s.id = k.service_id
    WHERE k.key_hash = hash
$$;
ALTER FUNCTION auth_api_key OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION auth_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth_api_key TO sightline_ingest, sightline_webhook;

CREATE FUNCTION touch_api_keys(ids uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE id = ANY (ids) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
ALTER FUNCTION touch_api_keys OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION touch_api_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION touch_api_keys TO sightline_ingest, sightline_webhook;

-- Hands out tokens of the current minute for one key: at least `need` or none, at most `want`, and less as the minute
-- runs dry, so that replicas do not strand what others could use. The sum handed out never exceeds the limit.
CREATE FUNCTION lease_rate_tokens(key_id uuid, key_org_id uuid, per_minute integer, need integer, want integer)
RETURNS TABLE (granted integer, remaining_ms integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    minute timestamptz;
    used integer;
    free integer;
BEGIN
    -- Wall clock, not transaction start: the row lock below may have been waited for across a minute's end.
    minute := date_trunc('minute', clock_timestamp());
    INSERT INTO api_key_rate_buckets AS b (api_key_id, org_id, window_start, count)
    VALUES (key_id, key_org_id, minute, 0)
    ON CONFLICT (api_key_id, window_start) DO UPDATE SET count = b.count
    RETURNING b.count INTO used;
    free := per_minute - used;
    granted := CASE WHEN free < need THEN 0 ELSE greatest(need, least(want, free / 8)) END;
    IF granted > 0 THEN
        UPDATE api_key_rate_buckets b SET count = b.count + granted
        WHERE b.api_key_id = key_id AND b.window_start = minute;
    END IF;
    remaining_ms := greatest(0, extract(epoch FROM minute + interval '1 minute' - clock_timestamp()) * 1000)::integer;
    RETURN NEXT;
END $$;
ALTER FUNCTION lease_rate_tokens OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION lease_rate_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lease_rate_tokens TO sightline_ingest;

CREATE FUNCTION expire_rate_buckets() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH gone AS (DELETE FROM api_key_rate_buckets WHERE window_start < now() - interval '10 minutes' RETURNING 1)
    SELECT count(*) FROM gone
$$;
ALTER FUNCTION expire_rate_buckets OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION expire_rate_buckets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION expire_rate_buckets TO sightline_ingest;

-- The organisations of one person, before one of them is active.
CREATE FUNCTION orgs_of_user(person uuid)
RETURNS TABLE (org_id uuid, name text, role text, created_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT o.id, o.name, m.role, o.created_at
    FROM org_members m JOIN orgs o ON o.id = m.org_id
    WHERE m.user_id = person ORDER BY o.created_at, o.id
$$;
ALTER FUNCTION orgs_of_user OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION orgs_of_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION orgs_of_user TO sightline_identity;

-- The invite behind a token, whatever its state.
CREATE FUNCTION find_invite(hash bytea)
RETURNS TABLE (org_id uuid, invite_id uuid, email text, role text, expired boolean, accepted boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT i.org_id, i.id, i.email, i.role, i.expires_at <= now(), i.accepted_at IS NOT NULL
    FROM invites i WHERE i.token_hash = hash
$$;
ALTER FUNCTION find_invite OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION find_invite FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_invite TO sightline_identity;
