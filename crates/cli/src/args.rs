//! What can be typed.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Search, follow, count, export and send log lines of Sightline, and keep its alert rules in a file.
///
/// Exit codes: 0 it worked, 1 it did not, 2 what was typed is wrong.
#[derive(Debug, Parser)]
#[command(
    name = "sightline",
    version,
    after_help = "Variables: SIGHTLINE_URL, SIGHTLINE_TOKEN, SIGHTLINE_INGEST_URL and SIGHTLINE_API_KEY win over what login stored; \
                  NO_COLOR turns colours off."
)]
pub(crate) struct Args {
    /// Colours: on a terminal only, always, or never.
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub(crate) color: When,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks a personal access token and stores it with the address.
    Login(LoginArgs),
    /// Searches log lines.
    Logs(LogsArgs),
    /// Follows new log lines until Ctrl-C.
    Tail(TailArgs),
    /// Computes numbers: 'level:error | stats count() by service', '… | top 10 http.path'.
    Stats(StatsArgs),
    /// Writes all lines that match to a file.
    Export(ExportArgs),
    /// Sends lines from standard input.
    Send(SendArgs),
    /// Alert rules as a file: compares it, applies it, writes one.
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Prints completions for a shell.
    Completions { shell: Shell },
    /// Prints the manual page.
    Man {
        /// Writes a page for each command into this folder instead.
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Group)]
pub(crate) struct LoginArgs {
    /// Address of Sightline: https://sightline.example.com.
    pub(crate) url: Option<String>,
    /// The token (slp_…). Others on this machine can see it in the list of processes: better leave it out to be asked,
    /// or pipe it in.
    #[arg(long)]
    pub(crate) token: Option<String>,
    /// Also stores the address that `send` sends to.
    #[arg(long, value_name = "URL")]
    pub(crate) ingest_url: Option<String>,
}

/// Which lines.
#[derive(Clone, Debug, Default, Group)]
pub(crate) struct FilterArgs {
    /// A query: words, "a phrase", field:value, level:>=warn, OR, NOT, /regex/. Absent: every line.
    pub(crate) query: Option<String>,
    /// Only this service.
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Only this environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// Only these levels, comma-separated: error,fatal.
    #[arg(long, value_name = "LEVELS")]
    pub(crate) level: Option<String>,
}

/// From when to when.
#[derive(Clone, Debug, Default, Group)]
pub(crate) struct RangeArgs {
    /// How far back: 90s, 15m, 1h, 7d, 2w. The default is 24h.
    #[arg(long, value_name = "SPAN", conflicts_with = "from", value_parser = crate::times::span)]
    pub(crate) since: Option<String>,
    /// Oldest time: 2026-01-31T12:00:00Z, '2026-01-31 13:00' in local time, or -1h.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = crate::times::moment)]
    pub(crate) from: Option<String>,
    /// Time to end before, in the same forms, or now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = crate::times::moment)]
    pub(crate) to: Option<String>,
}

/// How answers look.
#[derive(Clone, Copy, Debug, Default, Group)]
pub(crate) struct FormArgs {
    /// NDJSON: the default when not on a terminal.
    #[arg(long, conflicts_with = "text")]
    pub(crate) json: bool,
    /// Text for people, also when not on a terminal.
    #[arg(long)]
    pub(crate) text: bool,
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub(crate) utc: bool,
}

#[derive(Debug, Group)]
pub(crate) struct LogsArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    /// Lines at most.
    #[arg(long, short = 'n', default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// Every line that matches, page after page.
    #[arg(long, alias = "follow-pages", conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Oldest first instead of newest.
    #[arg(long)]
    pub(crate) oldest: bool,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

#[derive(Debug, Group)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

#[derive(Debug, Group)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Ndjson,
    Csv,
}

#[derive(Debug, Group)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    #[command(flatten)]
    pub(crate) range: RangeArgs,
    #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
    pub(crate) format: ExportFormat,
    /// The file; it appears when it is whole, readable for you alone. Standard output when absent or `-`.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Lines at most, up to 5,000,000; the server's default is 1,000,000.
    #[arg(long, short = 'n', value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    pub(crate) limit: Option<u64>,
    /// Oldest first instead of newest.
    #[arg(long)]
    pub(crate) oldest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// JSON objects that have a message are lines in Sightline's own form, everything else is text.
    Auto,
    /// Every line is a message.
    Text,
    /// Every line must be a JSON object with a message.
    Json,
}

#[derive(Debug, Group)]
pub(crate) struct SendArgs {
    #[arg(long, value_enum, default_value_t = InputFormat::Auto)]
    pub(crate) format: InputFormat,
    /// Level of lines that name none.
    #[arg(long, default_value = "info", value_parser = crate::commands::send_line::level)]
    pub(crate) level: sightline::Level,
    /// A field for every line, unless it has one of this name; may be repeated. Numbers, true and false are taken as such.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = crate::commands::send_line::field)]
    pub(crate) fields: Vec<(String, serde_json::Value)>,
    /// How long a batch is tried again while Sightline does not take it, at most 12h.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = crate::times::patience)]
    pub(crate) retry_for: std::time::Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Makes the organisation's rules as a file says, by name; applied again, it changes nothing.
    Apply(RulesFileArgs),
    /// Shows what applying a file would change. Ends with exit code 1 if it would change something.
    Diff(RulesFileArgs),
    /// Writes every rule of the organisation as a file.
    Export {
        /// The file. Standard output when absent or `-`.
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Group)]
pub(crate) struct RulesFileArgs {
    /// A YAML file, or `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Also deletes rules that the file does not name.
    #[arg(long)]
    pub(crate) prune: bool,
}
