-- Lines may name the service and environment that they belong to. Where their key has the scope `logs:route`, ingest asks
-- here for what its organisation has of these names, and with `logs:create` has it made. Ingest still reads no tenant
-- table: what it learns is the ids of names that a sender knew.

GRANT INSERT ON services, environments, audit_logs TO sightline_definer;

-- For each pair of names its place in the arrays, and the scope if there is one. A name that is NULL is that of the key's
-- own service or environment. Nothing, for a key that may not ask.
CREATE FUNCTION find_log_routes(org uuid, key uuid, service_names text[], environment_names text[])
RETURNS TABLE (place bigint, service_id uuid, environment_id uuid, retention_days integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT w.place, s.id, e.id, s.retention_days
    FROM api_keys k
    JOIN services own ON own.org_id = k.org_id AND own.id = k.service_id
    JOIN environments home ON home.org_id = k.org_id AND home.id = k.environment_id
    CROSS JOIN unnest(service_names, environment_names) WITH ORDINALITY AS w (service, environment, place)
    JOIN services s ON s.org_id = k.org_id AND s.name = coalesce(w.service, own.name)
    JOIN environments e ON e.org_id = k.org_id AND e.service_id = s.id AND e.name = coalesce(w.environment, home.name)
    WHERE k.org_id = org AND k.id = key AND k.revoked_at IS NULL AND k.scopes @> ARRAY['logs:write', 'logs:route']
$$;
ALTER FUNCTION find_log_routes OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION find_log_routes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_log_routes TO sightline_ingest;

-- Makes what is missing of one such pair, as identity would: a service with production and staging, an environment, and
-- what the audit log says of them. Returns the scope; or which bound is reached; or nothing, for a key that may not, and
-- when a person deletes the service at this moment.
--
-- The bounds are lower than those of people: names in log lines are anybody's who can write one.
CREATE FUNCTION make_log_route(org uuid, key uuid, service_name text, environment_name text, request text)
RETURNS TABLE (service_id uuid, environment_id uuid, retention_days integer, full_of text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
#variable_conflict use_column
DECLARE
    max_services CONSTANT integer := 1000;
    max_environments CONSTANT integer := 50;
    wanted record;
    service record;
    environment record;
    first text;
BEGIN
    SELECT coalesce(service_name, own.name) AS service, coalesce(environment_name, home.name) AS environment INTO wanted
    FROM api_keys k
    JOIN services own ON own.org_id = k.org_id AND own.id = k.service_id
    JOIN environments home ON home.org_id = k.org_id AND home.id = k.environment_id
    WHERE k.org_id = org AND k.id = key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND k.scopes @> ARRAY['logs:write', 'logs:route', 'logs:create'];
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- One at a time in an organisation, so that the bounds are exact. What another has just made is seen below, since each
    -- statement sees what is committed by then; people take no lock, hence ON CONFLICT.
    PERFORM pg_advisory_xact_lock(hashtextextended('sightline.log_routes ' || org, 0));

    SELECT s.id, s.retention_days INTO service FROM services s WHERE s.org_id = org AND s.name = wanted.service;
    IF NOT FOUND THEN
        IF (SELECT count(*) FROM services s WHERE s.org_id = org) >= max_services THEN
            full_of := 'services';
            RETURN NEXT;
            RETURN;
        END IF;
        INSERT INTO services AS s (org_id, id, name) VALUES (org, gen_random_uuid(), wanted.service)
        ON CONFLICT ON CONSTRAINT services_name_key DO NOTHING
        RETURNING s.id, s.name, s.description, s.repo_url, s.retention_days, s.created_at INTO service;
        IF FOUND THEN
            -- By the wall clock, so that they are in this order.
            FOREACH first IN ARRAY ARRAY['production', 'staging'] LOOP
                INSERT INTO environments (org_id, id, service_id, name, created_at)
                VALUES (org, gen_random_uuid(), service.id, first, clock_timestamp());
            END LOOP;
            INSERT INTO audit_logs (org_id, id, action, target_type, target_id, after, request_id)
            VALUES (org, gen_random_uuid(), 'service.create', 'service', service.id,
                to_jsonb(service) || jsonb_build_object('api_key_id', key), request);
        ELSE
            SELECT s.id, s.retention_days INTO service FROM services s WHERE s.org_id = org AND s.name = wanted.service;
            IF NOT FOUND THEN
                RETURN;
            END IF;
        END IF;
    END IF;

    SELECT e.id INTO environment FROM environments e
    WHERE e.org_id = org AND e.service_id = service.id AND e.name = wanted.environment;
    IF NOT FOUND THEN
        IF (SELECT count(*) FROM environments e WHERE e.org_id = org AND e.service_id = service.id) >= max_environments THEN
            full_of := 'environments';
            RETURN NEXT;
            RETURN;
        END IF;
        INSERT INTO environments AS e (org_id, id, service_id, name, created_at)
        VALUES (org, gen_random_uuid(), service.id, wanted.environment, clock_timestamp())
        ON CONFLICT ON CONSTRAINT environments_name_key DO NOTHING
        RETURNING e.id, e.service_id, e.name, e.created_at INTO environment;
        IF FOUND THEN
            INSERT INTO audit_logs (org_id, id, action, target_type, target_id, after, request_id)
            VALUES (org, gen_random_uuid(), 'environment.create', 'environment', environment.id,
                to_jsonb(environment) || jsonb_build_object('api_key_id', key), request);
        ELSE
            SELECT e.id INTO environment FROM environments e
            WHERE e.org_id = org AND e.service_id = service.id AND e.name = wanted.environment;
            IF NOT FOUND THEN
                RETURN;
            END IF;
        END IF;
    END IF;

    service_id := service.id;
    environment_id := environment.id;
    retention_days := service.retention_days;
    RETURN NEXT;
END $$;
ALTER FUNCTION make_log_route OWNER TO sightline_definer;
REVOKE ALL ON FUNCTION make_log_route FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_log_route TO sightline_ingest;
