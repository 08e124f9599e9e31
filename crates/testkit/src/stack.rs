//! The real binaries, running together on a database and a broker vhost of their own.

use std::collections::HashMap;
use std::path::PathBuf;

use futures_util::future::join_all;
use tempfile::TempDir;

use crate::ports::Ports;
use crate::{Client, Process, TestBroker, TestDb};

/// The `X-Internal-Secret` of every stack.
pub const INTERNAL_SECRET: &str = "internal-secret-of-the-tests";
/// The `SEALING_KEYS` of every stack.
pub const SEALING_KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    Query,
    Ingest,
    Identity,
    Alerting,
    Webhook,
}

impl Service {
    pub const ALL: [Self; 5] = [
        Self::Query,
        Self::Ingest,
        Self::Identity,
        Self::Alerting,
        Self::Webhook,
    ];

    /// The binary's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Ingest => "ingest",
            Self::Identity => "identity",
            Self::Alerting => "alerting",
            Self::Webhook => "webhook",
        }
    }
}

/// Running services with everything they need. Everything ends when this is dropped; if that is because a test
/// panicked, the services' logs are printed.
pub struct Stack {
    // Dropped in this order: the services first, then what they are connected to.
    processes: HashMap<Service, Vec<Process>>,
    pub db: TestDb,
    pub broker: TestBroker,
    _logs: TempDir,
}

/// What differs from one usual replica of each service.
#[derive(Default)]
pub struct StackBuilder {
    left_out: Vec<(Service, &'static str)>,
    services: Option<Vec<Service>>,
    replicas: HashMap<Service, usize>,
    environment: Vec<(Option<Service>, String, String)>,
    db: Option<TestDb>,
    broker: Option<TestBroker>,
}

impl StackBuilder {
    /// Starts only these services.
    #[must_use]
    pub fn only(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services = Some(services.into_iter().collect());
        self
    }

    /// Runs this many replicas of a service. The gateway knows the first.
    #[must_use]
    pub fn replicas(mut self, service: Service, count: usize) -> Self {
        self.replicas.insert(service, count);
        self
    }

    /// Sets a variable for one service, instead of the stack's own value.
    #[must_use]
    pub fn env(mut self, service: Service, name: &str, value: impl ToString) -> Self {
        self.environment
            .push((Some(service), name.to_owned(), value.to_string()));
        self
    }

    /// Leaves one of the stack's own variables out for one service.
    #[must_use]
    pub fn without(mut self, service: Service, name: &'static str) -> Self {
        self.left_out.push((service, name));
        self
    }

    /// Sets a variable for every service.
    #[must_use]
    pub fn env_all(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((None, name.to_owned(), value.to_string()));
        self
    }

    /// Uses this database, such as one on a private server.
    #[must_use]
    pub fn on_database(mut self, db: TestDb) -> Self {
        self.db = Some(db);
        self
    }

    /// Uses this vhost.
    #[must_use]
    pub fn on_broker(mut self, broker: TestBroker) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Starts everything, and waits until all of it is ready.
    pub async fn start(self) -> Stack {
        let stack = self.spawn().await;
        let ready = stack.processes.values().flatten().map(Process::wait_ready);
        join_all(ready).await;
        stack
    }

    /// Starts everything, and does not wait: for tests of a start with something missing.
    pub async fn spawn(mut self) -> Stack {
        let db = match self.db.take() {
            Some(db) => db,
            None => TestDb::create().await,
        };
        let broker = match self.broker.take() {
            Some(broker) => broker,
            None => TestBroker::create().await,
        };
        let logs = tempfile::Builder::new()
            .prefix("sightline-logs-")
            .tempdir()
            .unwrap();
        let services = self.services.clone().unwrap_or_else(|| Service::ALL.to_vec());
        let mut ports: HashMap<Service, Vec<Ports>> = services
            .iter()
            .map(|service| {
                let count = self.replicas.get(service).copied().unwrap_or(1);
                (*service, (0..count).map(|_| Ports::reserve(1)).collect())
            })
            .collect();
        let shared = Self::shared_environment(&broker, &ports);
        let mut processes: HashMap<Service, Vec<Process>> = HashMap::new();
        for service in services {
            for (index, port) in ports.remove(&service).unwrap().into_iter().enumerate() {
                let name = format!("{}-{index}", service.as_str());
                let log = logs.path().join(format!("{name}.log"));
                let environment = self.environment_of(service, &db, &shared);
                let process = Process::new(name, binary(service.as_str()), environment, log, port);
                process.spawn();
                processes.entry(service).or_default().push(process);
            }
        }
        Stack {
            processes,
            db,
            broker,
            _logs: logs,
        }
    }

    /// The variables that several services read. A service ignores those that are not its own.
    fn shared_environment(
        broker: &TestBroker,
        ports: &HashMap<Service, Vec<Ports>>,
    ) -> Vec<(String, String)> {
        let base = |service: Service| {
            let port = ports
                .get(&service)
                .and_then(|ports| ports.first())
                .map(Ports::first);
            // A service that was left out: nothing listens on port 1.
            format!("http://127.0.0.1:{}", port.unwrap_or(1))
        };
        [
            ("RUST_LOG", "info,lapin=warn".to_owned()),
            ("INTERNAL_SECRET", INTERNAL_SECRET.to_owned()),
            ("SEALING_KEYS", SEALING_KEYS.to_owned()),
            ("TRUSTED_PROXIES", "127.0.0.0/8,::1/128".to_owned()),
            ("AMQP_URL", broker.amqp_url()),
            ("PUBLIC_URL", base(Service::Query)),
            ("IDENTITY_URL", base(Service::Identity)),
            ("INGEST_URL", base(Service::Ingest)),
            ("ALERTING_URL", base(Service::Alerting)),
            ("WEBHOOK_URL", base(Service::Webhook)),
            ("EGRESS_ALLOW", "127.0.0.0/8".to_owned()),
            ("SWEEP_INTERVAL_SECONDS", "1".to_owned()),
            ("DEFAULT_RATE_LIMIT_PER_MINUTE", "0".to_owned()),
            ("REQUIRE_DURABLE_POSTGRES", "false".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn environment_of(
        &self,
        service: Service,
        db: &TestDb,
        shared: &[(String, String)],
    ) -> Vec<(String, String)> {
        let mut environment = shared.to_vec();
        let role = format!("sightline_{}", service.as_str());
        environment.push(("DATABASE_URL".to_owned(), db.url_for(&role)));
        if service == Service::Ingest {
            let compactor = db.url_for("sightline_compactor");
            environment.push(("COMPACTOR_DATABASE_URL".to_owned(), compactor));
            // As in its image (deploy/Dockerfile).
            environment.push(("MALLOC_MMAP_THRESHOLD_".to_owned(), "262144".to_owned()));
        }
        if service == Service::Query {
            // As in its image, too.
            for (name, value) in [
                ("MALLOC_ARENA_MAX", "2"),
                ("MALLOC_MMAP_THRESHOLD_", "1048576"),
                ("MALLOC_TRIM_THRESHOLD_", "33554432"),
            ] {
                environment.push((name.to_owned(), value.to_owned()));
            }
        }
        let own = self
            .environment
            .iter()
            .filter(|(of, _, _)| of.is_none_or(|of| of == service));
        // The last of a name wins.
        environment.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
        environment.retain(|(name, _)| {
            !self
                .left_out
                .iter()
                .any(|(of, left)| *of == service && left == name)
        });
        environment
    }
}

impl Stack {
    /// One replica of each of the five services.
    pub async fn start() -> Self {
        Self::build().start().await
    }

    /// A stack that differs from the usual one.
    pub fn build() -> StackBuilder {
        StackBuilder::default()
    }

    /// A client of the gateway, as nobody: what a browser sees.
    pub fn gateway(&self) -> Client {
        self.client(Service::Query)
    }

    /// A client of a service's first replica, as nobody.
    pub fn client(&self, service: Service) -> Client {
        self.process(service, 0).client()
    }

    /// Whether a service is part of it.
    pub fn has(&self, service: Service) -> bool {
        self.processes.contains_key(&service)
    }

    /// One replica, counted from 0.
    pub fn process(&self, service: Service, replica: usize) -> &Process {
        let replicas = self
            .processes
            .get(&service)
            .map(Vec::as_slice)
            .unwrap_or_default();
        replicas
            .get(replica)
            .unwrap_or_else(|| panic!("{} has no replica {replica}", service.as_str()))
    }

    /// Every replica of every service.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values().flatten()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.processes() {
                eprintln!(
                    "--- the end of the log of {}:\n{}",
                    process.name(),
                    process.log_tail()
                );
            }
        }
    }
}

/// The program beside this executable: a test is `target/<profile>/deps/<test>`, the benchmark `target/<profile>/bench`.
fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not built: build the programs first with `cargo build --workspace --bins`")
    })
}
