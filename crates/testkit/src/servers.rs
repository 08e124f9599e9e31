//! Servers of a test's own, for tests that break them. Everybody else shares the servers of `TEST_DATABASE_URL` and
//! `TEST_AMQP_URL`. Also removed when the test is killed: a watcher waits for the test's process to end.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::eventually;
use crate::ports::Ports;

/// A PostgreSQL with the durability settings of production: a commit survives [`PrivatePostgres::kill`].
pub struct PrivatePostgres(Server);

/// A RabbitMQ without the management API.
pub struct PrivateRabbit(Server);

struct Server {
    script: PathBuf,
    dir: TempDir,
    ports: Ports,
    options: Vec<&'static str>,
    watcher: Child,
}

impl PrivatePostgres {
    /// Makes an empty cluster and starts it: about two seconds.
    pub async fn start() -> Self {
        let options = vec!["--set", "shared_buffers=64MB", "--set", "max_connections=100"];
        Self(Server::start("postgres.sh", 1, options).await)
    }

    /// A superuser's URL of the maintenance database, for [`crate::TestDb::create_on`].
    pub fn url(&self) -> String {
        self.0.ask("url")
    }

    /// Stops it in order: sessions are ended, everything is written. The address stays.
    pub async fn stop(&self) {
        self.0.run(&["stop"]).await;
    }

    /// Starts it again, and returns once it answers.
    pub async fn start_again(&self) {
        self.0.start_again().await;
    }

    /// A fast restart, as for a minor upgrade.
    pub async fn restart(&self) {
        self.stop().await;
        self.start_again().await;
    }

    /// SIGKILL to every process of the server. Recovery happens at the next start.
    pub async fn kill(&self) {
        self.0.kill().await;
    }

    /// SIGKILL to the process of one session, by its `pg_stat_activity.pid`: the server ends all the others as well, and
    /// recovers by itself.
    pub fn kill_backend(&self, pid: i32) {
        assert!(
            self.0.processes().contains(&Pid::from_raw(pid).unwrap()),
            "{pid} is no process of this server"
        );
        // It may have ended by itself.
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }

    /// SIGSTOP to every process of the server: connections stay open, nothing answers.
    pub fn pause(&self) {
        self.0.signal(Signal::STOP);
    }

    /// SIGCONT after [`PrivatePostgres::pause`].
    pub fn resume(&self) {
        self.0.signal(Signal::CONT);
    }
}

impl PrivateRabbit {
    /// Makes an empty node and starts it: five to ten seconds.
    pub async fn start() -> Self {
        Self(Server::start("rabbitmq.sh", 8, vec!["--no-management"]).await)
    }

    /// The address to connect to, of the virtual host `/`.
    pub fn amqp_url(&self) -> String {
        format!("{}/%2f", self.0.ask("url"))
    }

    /// Stops it in order. The address stays.
    pub async fn stop(&self) {
        self.0.run(&["stop"]).await;
    }

    /// Starts it again, and returns once it serves.
    pub async fn start_again(&self) {
        self.0.start_again().await;
    }

    pub async fn restart(&self) {
        self.stop().await;
        self.start_again().await;
    }

    /// SIGKILL.
    pub async fn kill(&self) {
        self.0.kill().await;
    }

    /// SIGSTOP: connections stay open, nothing answers.
    pub fn pause(&self) {
        self.0.signal(Signal::STOP);
    }

    /// SIGCONT after [`PrivateRabbit::pause`].
    pub fn resume(&self) {
        self.0.signal(Signal::CONT);
    }

    /// Runs `rabbitmqctl` on the node, such as `["set_disk_free_limit", "9000GB"]` for a disk alarm.
    pub async fn ctl(&self, args: &[&str]) -> String {
        let dir = self.0.dir.path().to_str().unwrap();
        run_script(&self.0.script, &[&["ctl", dir], args].concat()).await
    }
}

impl Server {
    async fn start(script: &str, ports: u16, options: Vec<&'static str>) -> Self {
        let script = local_script(script);
        // Open to others: PostgreSQL does not run as root, and its account has to reach its data.
        let anybody = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        let dir = tempfile::Builder::new()
            .prefix("sightline-test-")
            .permissions(anybody)
            .tempdir()
            .unwrap();
        let watcher = watch(&script, dir.path());
        let server = Self {
            script,
            dir,
            ports: Ports::reserve(ports),
            options,
            watcher,
        };
        server.start_again().await;
        server
    }

    async fn start_again(&self) {
        let port = self.ports.first().to_string();
        let dir = self.dir.path().to_str().unwrap();
        run_script(
            &self.script,
            &[&["start", dir, &port], self.options.as_slice()].concat(),
        )
        .await;
    }

    async fn run(&self, args: &[&str]) {
        let (command, rest) = args.split_first().unwrap();
        run_script(
            &self.script,
            &[&[*command, self.dir.path().to_str().unwrap()], rest].concat(),
        )
        .await;
    }

    /// A quick question whose answer is one line.
    fn ask(&self, what: &str) -> String {
        let output = Command::new(&self.script)
            .arg(what)
            .arg(self.dir.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{what}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The main process and its children, the main one first.
    fn processes(&self) -> Vec<Pid> {
        let output = Command::new(&self.script)
            .arg("status")
            .arg(self.dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some(main) = text
            .split("pid ")
            .nth(1)
            .and_then(|rest| rest.split(',').next()?.trim().parse().ok())
        else {
            return Vec::new();
        };
        let table = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output()
            .expect("ps is installed");
        let table = String::from_utf8_lossy(&table.stdout).into_owned();
        let pairs = table.lines().filter_map(|line| {
            let mut numbers = line
                .split_whitespace()
                .map(|number| number.parse::<i32>().unwrap_or(0));
            Some((numbers.next()?, numbers.next()?))
        });
        let children = pairs.filter(|(_, parent)| *parent == main).map(|(pid, _)| pid);
        [main]
            .into_iter()
            .chain(children)
            .filter_map(Pid::from_raw)
            .collect()
    }

    /// The parent hears it first, so that it starts no new child meanwhile.
    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            // A child may have ended by itself.
            let _ = kill_process(pid, signal);
        }
    }

    async fn listens(&self) -> bool {
        let address = (std::net::Ipv4Addr::LOCALHOST, self.ports.first());
        tokio::net::TcpStream::connect(address).await.is_ok()
    }

    async fn kill(&self) {
        self.signal(Signal::KILL);
        eventually(
            Duration::from_secs(20),
            "a killed server to be gone",
            async || match self.processes().len() {
                // Its last threads may hold the port for a moment longer than the process is seen.
                0 if self.listens().await => Err("its port is still open".to_owned()),
                0 => Ok(()),
                left => Err(format!("{left} processes")),
            },
        )
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let removed = Command::new(&self.script)
            .arg("remove")
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .output();
        if !removed.as_ref().is_ok_and(|output| output.status.success()) {
            eprintln!("removing {}: {removed:?}", self.dir.path().display());
        }
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

/// A process that outlives this one, and then removes the server that this one could not.
fn watch(script: &Path, dir: &Path) -> Child {
    Command::new(local_script("reaper.sh"))
        .arg(std::process::id().to_string())
        .arg(script)
        .arg("remove")
        .arg(dir)
        // Not in our group: whoever kills the test kills its group.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn run_script(script: &Path, args: &[&str]) -> String {
    let output = tokio::process::Command::new(script)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} {}: {stderr}",
        script.display(),
        args.join(" ")
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn local_script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy/local")
        .join(name)
        .canonicalize()
        .unwrap()
}
