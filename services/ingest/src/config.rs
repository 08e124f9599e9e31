//! Everything ingest reads from its environment, read once in `main` and passed down.

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
    pub compaction: Compaction,

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

    /// Bytes of one line's message; a longer one is refused by name, its neighbours are stored.
    #[arg(long, env = "MAX_MESSAGE_BYTES", default_value_t = MIB)]
    pub max_message_bytes: usize,

    /// Bytes of bodies, as sent and decompressed, that the whole process holds at a time. One organisation may fill half.
    #[arg(long, env = "MAX_INFLIGHT_BYTES", default_value_t = 256 * MIB)]
    pub max_inflight_bytes: usize,

    /// Bytes of lines that wait for their commit in the whole process. One organisation may fill half.
    #[arg(long, env = "MAX_QUEUED_BYTES", default_value_t = 96 * MIB)]
    pub max_queued_bytes: usize,
}

const MIB: usize = 1024 * 1024;

/// Positions in a body are kept in 32 bits.
fn below_4_gib(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(bytes) if u32::try_from(bytes).is_ok() => Ok(bytes),
        Ok(_) => Err("must be below 4 GiB".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
