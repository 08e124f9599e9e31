//! One running service binary.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::ports::Ports;
use crate::{Client, eventually};

/// Debug builds on a busy machine are slow to start.
const START: Duration = Duration::from_mins(1);
/// Longer than any service's own grace period.
const STOP: Duration = Duration::from_secs(40);
/// How much of a log a failed test prints.
const LOG_LINES: usize = 150;

/// One replica of a service of a stack. Killed when dropped.
pub struct Process {
    name: String,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    ports: Ports,
    child: Mutex<Option<Child>>,
}

impl Process {
    pub(crate) fn new(
        name: String,
        binary: PathBuf,
        environment: Vec<(String, String)>,
        log: PathBuf,
        ports: Ports,
    ) -> Self {
        Self {
            name,
            binary,
            environment,
            log,
            ports,
            child: Mutex::new(None),
        }
    }

    /// A client of this replica, as nobody.
    pub fn client(&self) -> Client {
        Client::new(self.base())
    }

    /// `http://127.0.0.1:port`, the same after a restart.
    pub fn base(&self) -> String {
        format!("http://{}", self.listen_addr())
    }

    fn listen_addr(&self) -> String {
        format!("127.0.0.1:{}", self.ports.first())
    }

    /// Starts the program, and returns at once.
    pub fn spawn(&self) {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let child = self
            .command(&log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let before = self.child().replace(child);
        assert!(before.is_none(), "{} runs already", self.name);
    }

    fn command(&self, log: &File) -> Command {
        let mut command = Command::new(&self.binary);
        // Only what is given: the developer's own settings must not steer a test.
        command
            .env_clear()
            .env("LISTEN_ADDR", self.listen_addr())
            .env("RUST_BACKTRACE", "1");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap());
        command
    }

    /// Waits until `/readyz` says yes. Panics with the log when the program ends instead.
    pub async fn wait_ready(&self) {
        let client = self.client();
        eventually(START, &format!("{} to be ready", self.name), async || {
            if let Some(status) = self.exit_status() {
                panic!(
                    "{} ended with {status} instead of becoming ready:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            match client.try_call(reqwest::Method::GET, "/readyz", None).await {
                Ok(reply) if reply.status == 200 => Ok(()),
                Ok(reply) => Err(reply.body.to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Starts it after a kill or a stop, and waits until it is ready.
    pub async fn start(&self) {
        self.spawn();
        self.wait_ready().await;
    }

    /// SIGKILL, and waits for its end.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and waits until it has ended by itself, which it must within its grace period.
    pub async fn terminate(&self) -> ExitStatus {
        self.signal(Signal::TERM);
        let what = format!("{} to end after SIGTERM", self.name);
        let status = eventually(STOP, &what, async || self.exit_status().ok_or("it runs")).await;
        self.child().take();
        status
    }

    /// SIGSTOP: it keeps its port and connections and does nothing.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGTERM, and a new start.
    pub async fn restart(&self) {
        self.terminate().await;
        self.start().await;
    }

    /// The running program's process id.
    pub fn pid(&self) -> u32 {
        let id = self.child().as_ref().map(Child::id);
        id.unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    /// The most memory that the running program has held at a time, in bytes; `None` where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = peak.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    /// Whether the program runs (paused or not).
    pub fn is_running(&self) -> bool {
        self.child().is_some() && self.exit_status().is_none()
    }

    /// Everything it has logged so far, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The end of its log.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn exit_status(&self) -> Option<ExitStatus> {
        self.child().as_mut().and_then(|child| child.try_wait().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
