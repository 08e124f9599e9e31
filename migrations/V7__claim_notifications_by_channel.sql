-- Claiming costs what the channels and the batch cost, not what waits: a burst of ten thousand notifications made each
-- claim rank all of them.

DROP INDEX notification_jobs_due_idx;
CREATE INDEX notification_jobs_due_idx ON notification_jobs (org_id, channel_id, next_attempt_at)
    WHERE state IN ('pending', 'claimed');

-- Takes due jobs of all tenants under a lease. A job waits for the earlier ones of its incident and channel, so that
-- nobody reads "resolved" before "opened". A lease that ran out (its worker died) is taken over. At most per_channel
-- jobs of one channel are out at a time, so that a receiver that hangs delays nobody else's pages.
CREATE OR REPLACE FUNCTION claim_notification_jobs(batch integer, lease interval, per_channel integer)
RETURNS TABLE (org_id uuid, job_id uuid, lease_token uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH waiting AS (
        SELECT w.org_id, w.channel_id,
            count(*) FILTER (WHERE w.state = 'claimed' AND w.lease_until > now()) AS out
        FROM notification_jobs w
        WHERE w.state IN ('pending', 'claimed') AND w.next_attempt_at <= now() GROUP BY 1, 2
    ), locked AS (
        SELECT j.org_id, j.id
        FROM waiting w
        CROSS JOIN LATERAL (
            SELECT d.org_id, d.id, d.next_attempt_at FROM notification_jobs d
            WHERE d.org_id = w.org_id AND d.channel_id = w.channel_id
              AND d.state IN ('pending', 'claimed') AND d.next_attempt_at <= now()
              AND (d.state = 'pending' OR d.lease_until <= now())
              AND NOT EXISTS (
                  SELECT FROM notification_jobs e
                  WHERE e.org_id = d.org_id AND e.incident_id = d.incident_id AND e.channel_id = d.channel_id
                    AND e.sequence < d.sequence AND e.state IN ('pending', 'claimed'))
            ORDER BY d.next_attempt_at LIMIT greatest(per_channel - w.out, 0)
        ) due
        JOIN notification_jobs j ON j.org_id = due.org_id AND j.id = due.id
        -- Again, on the row as it is once locked: another worker may have taken it meanwhile.
        WHERE (j.state = 'pending' AND j.next_attempt_at <= now()) OR (j.state = 'claimed' AND j.lease_until <= now())
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
