-- Tokens that a person makes for scripts, Grafana and the command line: they act as that person in one organisation.

CREATE TABLE personal_access_tokens (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_prefix text NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT personal_access_tokens_hash_key UNIQUE,
    -- The most that the token may do; a member of a lower role lowers it, at each use.
    role text NOT NULL CONSTRAINT personal_access_tokens_role CHECK (role IN ('admin', 'developer', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- NULL: never.
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (org_id, id),
    CONSTRAINT personal_access_tokens_id_key UNIQUE (id),
    -- Tokens go with the membership: somebody who is invited again does not find old ones alive.
    FOREIGN KEY (org_id, user_id) REFERENCES org_members (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX personal_access_tokens_user_idx ON personal_access_tokens (org_id, user_id, created_at, id);
CREATE INDEX personal_access_tokens_created_idx ON personal_access_tokens (org_id, created_at, id);
SELECT enforce_tenancy('personal_access_tokens');

GRANT SELECT, INSERT, UPDATE ON personal_access_tokens TO sightline_identity;
GRANT SELECT, UPDATE (last_used_at) ON personal_access_tokens TO sightline_definer;

-- The token behind a hash, revoked and expired ones too, so that their holder can be told which it is. Without a
-- membership there is no token.
CREATE FUNCTION auth_personal_token(hash bytea)
RETURNS TABLE (token_id uuid, org_id uuid, user_id uuid, email text, user_name text, token_role text,
    member_role text, revoked boolean, expired boolean, use_is_unnoted boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.id, t.org_id, u.id, u.email, u.name, t.role, m.role, t.revoked_at IS NOT NULL,
        coalesce(t.expires_at <= now(), false), coalesce(t.last_used_at < now() - interval '1 minute', true)
    FROM personal_access_tokens t
    JOIN org_members m ON m.org_id = t.org_id AND m.user_id = t.user_id
    JOIN users u ON u.id = t.user_id
    WHERE t.token_hash = hash
$$;
ALTER FUNCTION auth_personal_token OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION auth_personal_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth_personal_token TO sightline_query, sightline_identity, sightline_alerting,
    sightline_webhook;

CREATE FUNCTION touch_personal_token(token_id uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE personal_access_tokens SET last_used_at = now()
    WHERE id = token_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
ALTER FUNCTION touch_personal_token OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION touch_personal_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION touch_personal_token TO sightline_query, sightline_identity, sightline_alerting,
    sightline_webhook;

-- Which token somebody used; NULL: a session. Kept without a foreign key, so that the trail outlives the token.
ALTER TABLE audit_logs ADD COLUMN actor_token_id uuid;
