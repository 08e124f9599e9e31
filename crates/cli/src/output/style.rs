//! Colours, where they are wanted.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

use crate::args::{FormArgs, When};
use crate::config::Environment;

/// Paints, or does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Painter(bool);

impl Painter {
    /// Of standard output.
    pub(crate) fn new(when: When, environment: &Environment) -> Self {
        Self(match when {
            When::Always => true,
            When::Never => false,
            When::Auto => !environment.no_color && std::io::stdout().is_terminal(),
        })
    }

    #[cfg(test)]
    pub(crate) fn fixed(paints: bool) -> Self {
        Self(paints)
    }

    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }
}

/// Levels have colours that differ in more than red and green: the bad ones are bold as well.
pub(crate) fn of_level(level: &str) -> Style {
    let plain = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match level {
        "fatal" => plain(AnsiColor::Magenta).bold().underline(),
        "error" => plain(AnsiColor::Red).bold(),
        "warn" => plain(AnsiColor::Yellow),
        "info" => plain(AnsiColor::Green),
        "debug" => plain(AnsiColor::Cyan),
        _ => Style::new().dimmed(),
    }
}

/// Whether answers are NDJSON.
pub(crate) fn is_json(form: FormArgs) -> bool {
    form.json || (!form.text && !std::io::stdout().is_terminal())
}
