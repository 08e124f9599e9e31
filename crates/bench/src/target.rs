//! What is measured: a running ingest on a database of its own, with organisations, services and keys.

use std::sync::Arc;

use anyhow::Context as _;
use db::{Db, DbConfig};
use domain::ids::OrgId;
use domain::{api_key, token::TokenHash};
use testkit::{Service, Stack, StackBuilder, TestDb};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::cpu;

/// One scope that lines are sent to.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) key: Arc<str>,
    pub(crate) org_id: Uuid,
    pub(crate) service_id: Uuid,
    pub(crate) environment_id: Uuid,
}

pub(crate) struct Target {
    pub(crate) stack: Stack,
    pub(crate) owner: Client,
    postmaster: u32,
}

impl Target {
    /// Starts ingest alone, with no rate limit. Merging is measured apart: how much of it falls into a load is chance.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        Self::start_as(|stack| stack.without(Service::Ingest, "COMPACTOR_DATABASE_URL")).await
    }

    /// The same, with alerting beside it, which sweeps as seldom as in production.
    pub(crate) async fn start_alerting() -> anyhow::Result<Self> {
        Self::start_services(&[Service::Ingest, Service::Alerting], |stack| {
            stack
                .without(Service::Ingest, "COMPACTOR_DATABASE_URL")
                .without(Service::Alerting, "SWEEP_INTERVAL_SECONDS")
        })
        .await
    }

    /// The same, merging as it goes.
    pub(crate) async fn start_merging() -> anyhow::Result<Self> {
        Self::start_as(|stack| stack).await
    }

    /// Ingest without merging, and the gateway before it.
    pub(crate) async fn start_with_gateway() -> anyhow::Result<Self> {
        Self::start_as(|stack| {
            stack
                .only([Service::Ingest, Service::Query])
                .without(Service::Ingest, "COMPACTOR_DATABASE_URL")
        })
        .await
    }

    async fn start_as(set_up: impl FnOnce(StackBuilder) -> StackBuilder) -> anyhow::Result<Self> {
        Self::start_services(&[Service::Ingest], set_up).await
    }

    async fn start_services(
        services: &[Service],
        set_up: impl FnOnce(StackBuilder) -> StackBuilder,
    ) -> anyhow::Result<Self> {
        let db = TestDb::create().await;
        let owner = db.owner().await;
        let postmaster = postmaster(&owner).await?;
        let stack = Stack::build().on_database(db).only(services.iter().copied()).env(
            Service::Ingest,
            "DEFAULT_RATE_LIMIT_PER_MINUTE",
            0,
        );
        let stack = set_up(stack).start().await;
        Ok(Self {
            stack,
            owner,
            postmaster,
        })
    }

    pub(crate) fn ingest_pid(&self) -> u32 {
        self.stack.process(Service::Ingest, 0).pid()
    }

    pub(crate) fn gateway_pid(&self) -> u32 {
        self.stack.process(Service::Query, 0).pid()
    }

    pub(crate) fn cpu(&self) -> CpuTimes {
        CpuTimes {
            client: cpu::seconds_of_tree(std::process::id()) - cpu::seconds_of_tree(self.ingest_pid()),
            ingest: cpu::seconds_of_tree(self.ingest_pid()),
            postgres: cpu::seconds_of_tree(self.postmaster),
        }
    }

    /// Adds `count` scopes: services with one environment each, six to an organisation. Of 30 the first organisation gets half
    /// of the lines: of five million as many as the tenant of the measurements of other systems had.
    pub(crate) async fn add_senders(&self, count: usize) -> anyhow::Result<Vec<Sender>> {
        const PER_ORG: usize = 6;
        let mut senders = Vec::with_capacity(count);
        let mut org_id = Uuid::nil();
        for index in 0..count {
            if index % PER_ORG == 0 {
                org_id = OrgId::generate().0;
                let sql = "INSERT INTO orgs (id, name) VALUES ($1, 'bench')";
                self.owner.execute(sql, &[&org_id]).await?;
            }
            senders.push(self.add_sender(org_id, index).await?);
        }
        Ok(senders)
    }

    /// For merging within this process.
    pub(crate) fn merging_db(&self) -> anyhow::Result<Db> {
        let url = self.stack.db.url_for("sightline_compactor");
        Ok(Db::new(&DbConfig::new(url, "bench"))?)
    }

    /// Gives every key a limit that is never reached, so that each request is counted against it.
    pub(crate) async fn limit_keys(&self) -> anyhow::Result<()> {
        let sql = "UPDATE api_keys SET rate_limit_per_minute = 1000000000";
        self.owner.batch_execute(sql).await?;
        // Keys are remembered for less than a second.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok(())
    }

    async fn add_sender(&self, org_id: Uuid, index: usize) -> anyhow::Result<Sender> {
        let mut next = Uuid::new_v4().into_bytes().into_iter().cycle();
        // Unpredictability does not matter here, only that keys differ: the id's bytes are shifted by the position.
        let mut position = 0_u8;
        let key = api_key::mint(|| {
            position = position.wrapping_add(1);
            next.next().unwrap_or_default().wrapping_add(position) % 248
        });
        let (service_id, environment_id) = (Uuid::new_v4(), Uuid::new_v4());
        let sql = "
            WITH service AS (
                INSERT INTO services (org_id, id, name) VALUES ($1, $2, $3) RETURNING org_id, id
            ), environment AS (
                INSERT INTO environments (org_id, service_id, id, name)
                SELECT org_id, id, $4, 'production' FROM service RETURNING org_id, service_id, id
            )
            INSERT INTO api_keys (org_id, id, service_id, environment_id, name, key_prefix, key_hash, scopes)
            SELECT org_id, gen_random_uuid(), service_id, id, 'bench', 'slk_bench', $5, ARRAY['logs:write']
            FROM environment";
        let (name, hash) = (format!("service-{index}"), TokenHash::of(&key));
        self.owner
            .execute(
                sql,
                &[&org_id, &service_id, &name, &environment_id, &hash.as_bytes()],
            )
            .await
            .context("adding a service and its key")?;
        Ok(Sender {
            key: key.into(),
            org_id,
            service_id,
            environment_id,
        })
    }
}

async fn postmaster(owner: &Client) -> anyhow::Result<u32> {
    let folder: String = owner.query_one("SHOW data_directory", &[]).await?.get(0);
    let file = std::fs::read_to_string(format!("{folder}/postmaster.pid"))
        .with_context(|| format!("{folder} is not readable: the server must run on this machine"))?;
    file.lines()
        .next()
        .and_then(|line| line.trim().parse().ok())
        .context("postmaster.pid holds no process id")
}

/// CPU seconds so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuTimes {
    pub(crate) client: f64,
    pub(crate) ingest: f64,
    pub(crate) postgres: f64,
}

impl CpuTimes {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            client: self.client - before.client,
            ingest: self.ingest - before.ingest,
            postgres: self.postgres - before.postgres,
        }
    }
}
