//! `sightline completions` and `sightline man`.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;

pub(super) fn completions(shell: Shell) -> anyhow::Result<()> {
    // The generator panics where it cannot write, as when the pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "sightline", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

pub(super) fn man(folder: Option<&Path>) -> anyhow::Result<()> {
    let command = Args::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return Ok(io::stdout().write_all(&page)?);
    };
    let written = || {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(command, folder)
    };
    written().with_context(|| format!("cannot write to {}", folder.display()))
}
