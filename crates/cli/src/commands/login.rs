//! `sightline login`.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;
use serde::Deserialize;

use crate::api::Api;
use crate::args::LoginArgs;
use crate::config::{Config, Environment, Secret};
use crate::failure::Usage;
use crate::output::{harmless, notice};

/// Longer than any token, and short enough not to read a file that was piped in by mistake.
const MAX_PIPED_BYTES: u64 = 4096;

#[derive(Deserialize)]
struct Answer {
    data: Me,
}

#[derive(Deserialize)]
struct Me {
    user: User,
    org: Option<Org>,
}

#[derive(Deserialize)]
struct User {
    email: String,
}

#[derive(Deserialize)]
struct Org {
    name: String,
    role: String,
}

pub(super) async fn run(args: LoginArgs, environment: &Environment) -> anyhow::Result<()> {
    let stored = environment.stored()?;
    let given = environment.given();
    let url = args
        .url
        .or_else(|| given.url.clone())
        .or_else(|| stored.url.clone());
    let url = url.ok_or_else(|| {
        Usage("no address is known; run `sightline login https://sightline.example.com`".into())
    })?;
    let token = token(args.token, given.token.clone(), &url)?;
    let api = Api::new(&url, &token)?;
    if api.is_exposed() {
        notice::say("this address is not encrypted (http://): the token can be read on the way");
    }
    let Me { user, org } = api.get_json::<Answer>("/api/me", &Vec::new()).await?.data;
    let org =
        org.ok_or_else(|| anyhow::anyhow!("the token belongs to no organisation any more; make a new one"))?;
    // As it is compared.
    let ingest_url = args.ingest_url.map(|url| url.trim_end_matches('/').to_owned());
    let config = Config {
        url: Some(api.base().to_owned()),
        token: Some(token),
        ingest_url: ingest_url.or(stored.ingest_url),
        api_key: stored.api_key,
    };
    let path = environment.store(&config)?;
    let (email, name, role) = (
        harmless::inline(&user.email),
        harmless::inline(&org.name),
        harmless::inline(&org.role),
    );
    writeln!(
        io::stdout(),
        "Logged in to {} as {email}, {role} of {name}. Stored in {}.",
        api.base(),
        path.display()
    )?;
    Ok(())
}

/// From the option, the variable, the person at the terminal, or the pipe.
fn token(typed: Option<String>, variable: Option<Secret>, url: &str) -> anyhow::Result<Secret> {
    if let Some(token) = typed.map(Secret).or(variable) {
        return checked(&token.0);
    }
    if io::stdin().is_terminal() {
        let prompt = format!("Personal access token (slp_…) of {}: ", harmless::inline(url));
        return checked(
            &rpassword::prompt_password(prompt).context("the token cannot be read from the terminal")?,
        );
    }
    let mut piped = String::new();
    io::stdin()
        .take(MAX_PIPED_BYTES)
        .read_to_string(&mut piped)
        .context("the token cannot be read from standard input")?;
    checked(&piped)
}

fn checked(token: &str) -> anyhow::Result<Secret> {
    let token = token.trim();
    if token.starts_with("slp_") {
        Ok(Secret(token.to_owned()))
    } else {
        let what = if token.is_empty() {
            "no token was given"
        } else {
            "this is no personal access token"
        };
        Err(Usage(format!(
            "{what}; one begins with slp_, and the dashboard makes them"
        ))
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_others_are_refused_without_repeating_them() {
        assert_eq!(checked(" slp_x\n").unwrap(), Secret("slp_x".into()));
        for wrong in ["", "slk_canary", "slp"] {
            let error = checked(wrong).unwrap_err();
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}
