//! Debian's syslog daemon, which hands on what programs write to its socket. It is a private one: its configuration, its
//! socket and its files are in a folder of the test, and nothing of the system's is read or written.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::level::Level;
use serde_json::json;
use testkit::{eventually, stored};
use tokio::process::{Child, Command};

use crate::lines::{self, COUNT};
use crate::program::{self, Target};

/// The severities of RFC 5424 in their order, from emergency to debug.
const LEVELS: [Level; 8] = [
    Level::Fatal,
    Level::Fatal,
    Level::Fatal,
    Level::Error,
    Level::Warn,
    Level::Info,
    Level::Info,
    Level::Debug,
];
/// Of the programs' facility, `local0`.
const LOCAL0: usize = 16;

/// As the documentation of rsyslog forwards in RFC 5424, with the key added, and a piece of the text as structured data.
fn configuration(dir: &Path, address: &str, key: &str, framing: &str) -> String {
    let (host, port) = address.rsplit_once(':').unwrap();
    let dir = dir.display();
    format!(
        r#"global(workDirectory="{dir}" parser.escapeControlCharactersOnReceive="off" localHostname="shop-1")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/log" UsePIDFromSystem="off" UseSpecialParser="on" RateLimit.Interval="0")
template(name="Sightline" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% - [sightline@1 token=\"{key}\"][order@32473 id=\"%msg:R,ERE,1,BLANK:order ([0-9]+)--end%\"] %msg:2:$%\n")
action(type="omfwd" target="{host}" port="{port}" protocol="tcp" TCP_Framing="{framing}" template="Sightline"
    queue.type="LinkedList" action.resumeRetryCount="-1" queue.timeoutshutdown="10000")
"#
    )
}

/// Runs in the foreground until it is dropped.
async fn start(dir: &Path, configuration: &str) -> Child {
    let file = dir.join("rsyslog.conf");
    std::fs::write(&file, configuration).unwrap();
    let log = std::fs::File::create(dir.join("output")).unwrap();
    Command::new(program::get("rsyslog").await)
        .arg("-n")
        .arg("-f")
        .arg(&file)
        .arg("-i")
        .arg(dir.join("pid"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn hands_on_what_programs_log(framing: &str) {
    if program::left_out() {
        return;
    }
    let target = Target::start(&[("SYSLOG_TCP_ADDR", "127.0.0.1:0")]).await;
    let address = target.address_after("syslog over TCP is taken at ");
    let dir = tempfile::tempdir().unwrap();
    let configuration = configuration(dir.path(), &address, target.org.api_key(), framing);
    let _daemon = start(dir.path(), &configuration).await;
    let second = Duration::from_secs(1);
    let program = UnixDatagram::unbound().unwrap();
    eventually(20 * second, "rsyslog's socket", async || {
        program.connect(dir.path().join("log")).map_err(|error| {
            format!(
                "{error}; {}",
                std::fs::read_to_string(dir.path().join("output")).unwrap()
            )
        })
    })
    .await;

    // As the C library's `syslog` writes; the time is that of the machine's zone.
    let at = lines::start();
    let format =
        time::macros::format_description!("[month repr:short] [day padding:space] [hour]:[minute]:[second]");
    let at = at.format(format).unwrap();
    for n in 0..COUNT {
        let priority = LOCAL0 * 8 + n % 8;
        let text = format!(
            "<{priority}>{at} shop[{}]: order {n}: «quoted \"{n}\"» ✓",
            4_000 + n
        );
        program.send(text.as_bytes()).unwrap();
    }

    let all = eventually(30 * second, "all lines to be stored", async || {
        let all = stored::lines(&target.stack.db).await;
        if all.len() >= COUNT {
            Ok(all)
        } else {
            Err(format!("{} of {COUNT}", all.len()))
        }
    })
    .await;
    assert_eq!(all.len(), COUNT);
    let mut all: Vec<_> = all
        .into_iter()
        .map(|line| (lines::number(&line.message), line))
        .collect();
    all.sort_by_key(|(n, _)| *n);
    for (n, (number, line)) in all.into_iter().enumerate() {
        assert_eq!(n, number, "a line is missing, or there twice");
        assert_eq!(line.scope, target.org.scope());
        assert_eq!(line.message, format!("order {n}: «quoted \"{n}\"» ✓"));
        assert_eq!(line.level, LEVELS[n % 8], "line {n}");
        let meta = json!({"app": "shop", "procid": 4_000 + n, "host": "shop-1", "facility": "local0",
            "order@32473": {"id": n.to_string()}});
        assert_eq!(line.meta, Some(meta));
    }
}

#[tokio::test]
async fn rsyslog_hands_on_what_programs_log_line_by_line() {
    hands_on_what_programs_log("traditional").await;
}

#[tokio::test]
async fn rsyslog_hands_on_what_programs_log_by_octet_count() {
    hands_on_what_programs_log("octet-counted").await;
}
