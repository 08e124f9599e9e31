//! Everything ingest reads from its environment, read once in `main` and passed down.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};
use secrecy::SecretString;
use service_kit::CommonConfig;

#[derive(Clone, Debug, Parser)]
#[command(version, about = "Every way in for logs")]
pub struct Config {
    #[command(flatten)]
    pub common: CommonConfig,

    #[command(flatten)]
    pub limits: Limits,

    #[command(flatten)]
    pub syslog: SyslogConfig,

    #[command(flatten)]
    pub compaction: Compaction,

    /// Address and port for OpenTelemetry over gRPC, such as 0.0.0.0:4317. Not encrypted: a proxy in front brings the TLS.
    #[arg(long, env = "OTLP_GRPC_ADDR")]
    pub otlp_grpc_addr: Option<SocketAddr>,

    /// The broker, amqp://user:password@host:port/vhost. Ingest accepts logs while it is away.
    #[arg(long, env = "AMQP_URL", hide_env_values = true)]
    pub amqp_url: SecretString,

    /// Log lines a minute for a key without a limit of its own; 0 for none. 600,000 a minute is what a large service logs;
    /// it keeps one runaway sender from filling the disk unnoticed.
    #[arg(long, env = "DEFAULT_RATE_LIMIT_PER_MINUTE", default_value_t = 600_000)]
    pub default_rate_limit_per_minute: u32,

    /// Refuse to serve on a PostgreSQL that may forget commits in a crash (fsync, full_page_writes or synchronous_commit
    /// off). Only a throw-away database has reason to say false.
    #[arg(long, env = "REQUIRE_DURABLE_POSTGRES", default_value_t = true, action = ArgAction::Set)]
    pub require_durable_postgres: bool,
}

/// Syslog, which comes by ports of its own. None is open unless it is named here.
#[expect(clippy::struct_field_names, reason = "named as the variables that set them")]
#[derive(Args, Clone, Debug)]
pub struct SyslogConfig {
    /// Address and port for syslog over TCP (RFC 6587: by octet count or by line). Not encrypted: for private networks.
    #[arg(long, env = "SYSLOG_TCP_ADDR")]
    pub syslog_tcp_addr: Option<SocketAddr>,

    /// Address and port for syslog over TLS (RFC 5425).
    #[arg(long, env = "SYSLOG_TLS_ADDR", requires_all = ["syslog_tls_cert", "syslog_tls_key"])]
    pub syslog_tls_addr: Option<SocketAddr>,

    /// File with the certificate chain for it, PEM. Read once, at the start.
    #[arg(long, env = "SYSLOG_TLS_CERT")]
    pub syslog_tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate, PEM.
    #[arg(long, env = "SYSLOG_TLS_KEY")]
    pub syslog_tls_key: Option<PathBuf>,

    /// Address and port for syslog over UDP. What comes faster than it can be stored is lost, as with all UDP.
    #[arg(long, env = "SYSLOG_UDP_ADDR")]
    pub syslog_udp_addr: Option<SocketAddr>,

    /// The API key of messages that bring none in their structured data. Without it they are refused.
    #[arg(long, env = "SYSLOG_API_KEY", hide_env_values = true, value_parser = api_key)]
    pub syslog_api_key: Option<SecretString>,

    /// Connections at a time, with and without TLS; one more is closed at once.
    #[arg(long, env = "SYSLOG_MAX_CONNECTIONS", default_value_t = 256)]
    pub syslog_max_connections: usize,
}

fn api_key(text: &str) -> Result<SecretString, String> {
    if domain::api_key::is_well_formed(text) {
        Ok(SecretString::from(text))
    } else {
        Err("is not an API key; check that it was copied whole".to_owned())
    }
}

/// How what was stored is merged into larger segments.
#[derive(Args, Clone, Debug)]
pub struct Compaction {
    /// PostgreSQL as the role sightline_compactor. With it this replica merges what was stored into larger segments,
    /// whenever no other replica does; without it on any, searches grow slow.
    #[arg(long, env = "COMPACTOR_DATABASE_URL", hide_env_values = true)]
    pub compactor_database_url: Option<SecretString>,

    /// Lines that were stored as rows are left so for this long: most searches look for the newest lines, and rows serve
    /// them best.
    #[arg(long, env = "COMPACT_ROWS_AFTER_SECONDS", default_value_t = 600)]
    pub compact_rows_after_seconds: u64,

    /// Segments that are younger are not merged: below 20, whoever follows new lines may miss some.
    #[arg(long, env = "COMPACT_FRESH_AFTER_SECONDS", default_value_t = 20)]
    pub compact_fresh_after_seconds: u64,

    /// From the end of one round of merging to the next: what is due may wait this long longer.
    #[arg(long, env = "COMPACT_PAUSE_MS", default_value_t = 5_000)]
    pub compact_pause_ms: u64,
}

/// How much is taken. Past a limit the answer is 413, or 503 with Retry-After for those of the whole process.
#[expect(clippy::struct_field_names, reason = "named as the variables that set them")]
#[derive(Args, Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one body as sent.
    #[arg(long, env = "MAX_BODY_BYTES", default_value_t = 10 * MIB)]
    pub max_body_bytes: usize,

    /// Bytes of one body after decompression.
    #[arg(long, env = "MAX_DECOMPRESSED_BYTES", default_value_t = 64 * MIB, value_parser = below_4_gib)]
    pub max_decompressed_bytes: usize,

    /// Lines of one request.
    #[arg(long, env = "MAX_LINES_PER_REQUEST", default_value_t = 50_000)]
    pub max_lines_per_request: usize,

    /// Bytes of one line's message, 16 MiB at most; a longer one is refused by name, its neighbours are stored.
    #[arg(long, env = "MAX_MESSAGE_BYTES", default_value_t = MIB, value_parser = at_most_16_mib)]
    pub max_message_bytes: usize,

    /// Bytes of bodies, as sent and decompressed, that the whole process holds at a time. One organisation may fill half.
    #[arg(long, env = "MAX_INFLIGHT_BYTES", default_value_t = 256 * MIB)]
    pub max_inflight_bytes: usize,

    /// Bytes of lines that wait for their commit in the whole process. One organisation may fill half.
    #[arg(long, env = "MAX_QUEUED_BYTES", default_value_t = 96 * MIB)]
    pub max_queued_bytes: usize,
}

const MIB: usize = 1024 * 1024;

/// A line must fit into a block of a segment, which may be 64 MiB, with its metadata.
fn at_most_16_mib(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(bytes) if bytes <= 16 * MIB => Ok(bytes),
        Ok(_) => Err("must be at most 16 MiB (16777216)".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Positions in a body are kept in 32 bits.
fn below_4_gib(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(bytes) if u32::try_from(bytes).is_ok() => Ok(bytes),
        Ok(_) => Err("must be below 4 GiB".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
