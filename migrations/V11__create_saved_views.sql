-- Searches that people keep under a name: for themselves, or shared with the organisation.

CREATE TABLE saved_views (
    org_id uuid NOT NULL REFERENCES orgs ON DELETE CASCADE,
    id uuid NOT NULL,
    -- The owner. Not tied to the membership: what somebody shared stays when they leave.
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    is_shared boolean NOT NULL,
    q text NOT NULL,
    -- What a search takes beside its text, as people typed it, and the columns to show.
    params jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT saved_views_name_key UNIQUE (org_id, user_id, name)
);
CREATE INDEX saved_views_created_idx ON saved_views (org_id, created_at, id);
SELECT enforce_tenancy('saved_views');

GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views TO sightline_query;
