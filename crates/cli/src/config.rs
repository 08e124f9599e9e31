//! Where Sightline is and what opens it: the environment, and the file that `login` writes.

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::failure::Usage;

/// Does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What `login` stored; a variable of the environment wins over its entry here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
    /// Where `send` sends to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ingest_url: Option<String>,
    /// The key that `send` sends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<Secret>,
}

/// The environment, read once.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    given: Config,
    folder: Option<PathBuf>,
    /// `NO_COLOR` is set to something, or the terminal is a dumb one.
    pub(crate) no_color: bool,
}

impl Environment {
    pub(crate) fn of_process() -> Self {
        Self::read(|name| std::env::var_os(name))
    }

    fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().trim().to_owned());
        // As they are stored, since they are compared.
        let address = |name: &str| text(name).map(|url| url.trim_end_matches('/').to_owned());
        let folder = set("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // The standard says to ignore relative ones.
            .filter(|path| path.is_absolute())
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")));
        Self {
            given: Config {
                url: address("SIGHTLINE_URL"),
                token: text("SIGHTLINE_TOKEN").map(Secret),
                ingest_url: address("SIGHTLINE_INGEST_URL"),
                api_key: text("SIGHTLINE_API_KEY").map(Secret),
            },
            folder: folder.map(|folder| folder.join("sightline")),
            no_color: set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// The variables alone.
    pub(crate) fn given(&self) -> &Config {
        &self.given
    }

    /// `$XDG_CONFIG_HOME/sightline/config.toml`.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder.as_ref();
        let folder = folder.ok_or(Usage(
            "neither XDG_CONFIG_HOME nor HOME says where settings are; set one".into(),
        ))?;
        Ok(folder.join("config.toml"))
    }

    /// What the file says; nothing where there is none.
    pub(crate) fn stored(&self) -> anyhow::Result<Config> {
        let Ok(path) = self.path() else {
            return Ok(Config::default());
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        // The parser's own message would show the line, which may hold the token.
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let message = error.message();
            anyhow::anyhow!(
                "{} is not understood: {message}; correct it, or delete it and log in again",
                path.display()
            )
        })
    }

    /// The variables, and what the file says where they say nothing.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        let (given, stored) = (self.given.clone(), self.stored()?);
        Ok(Config {
            // A stored token is for the stored address: it must not travel to another one.
            token: given.token.or_else(|| {
                stored
                    .token
                    .filter(|_| given.url.is_none() || given.url == stored.url)
            }),
            url: given.url.or(stored.url),
            api_key: given.api_key.or_else(|| {
                stored
                    .api_key
                    .filter(|_| given.ingest_url.is_none() || given.ingest_url == stored.ingest_url)
            }),
            ingest_url: given.ingest_url.or(stored.ingest_url),
        })
    }

    /// Stores it for the owner alone, as a whole or not at all.
    pub(crate) fn store(&self, config: &Config) -> anyhow::Result<PathBuf> {
        let path = self.path()?;
        let folder = path.parent().unwrap_or(&path);
        let text = toml::to_string(config).context("settings cannot be written as TOML")?;
        let written = || {
            std::fs::create_dir_all(folder)?;
            // Its mode is 0600.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::io::Result::Ok(())
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            let found = variables.iter().find(|(each, _)| *each == name);
            found.map(|(_, value)| value.into())
        })
    }

    fn stored_in(folder: &std::path::Path) -> Config {
        let config = Config {
            url: Some("https://a".into()),
            token: Some(Secret("slp_canary".into())),
            ..Config::default()
        };
        environment(&[("XDG_CONFIG_HOME", folder.to_str().unwrap())])
            .store(&config)
            .unwrap();
        config
    }

    #[test]
    fn what_was_stored_is_read_again_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let config = stored_in(folder.path());
        let environment = environment(&[("XDG_CONFIG_HOME", folder.path().to_str().unwrap())]);
        assert_eq!(environment.config().unwrap(), config);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = environment
                .path()
                .unwrap()
                .metadata()
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!format!("{:?}", environment.config().unwrap()).contains("canary"));
    }

    #[test]
    fn a_stored_token_does_not_travel_to_another_address() {
        let folder = tempfile::tempdir().unwrap();
        stored_in(folder.path());
        let home = ("XDG_CONFIG_HOME", folder.path().to_str().unwrap());
        let other = environment(&[home, ("SIGHTLINE_URL", "https://b")])
            .config()
            .unwrap();
        assert_eq!((other.url.as_deref(), other.token), (Some("https://b"), None));
        let same = environment(&[home, ("SIGHTLINE_URL", "https://a/")])
            .config()
            .unwrap();
        assert!(same.token.is_some());
        let own = environment(&[home, ("SIGHTLINE_TOKEN", " slp_other\n")])
            .config()
            .unwrap();
        assert_eq!(own.token, Some(Secret("slp_other".into())));
    }

    #[test]
    fn a_broken_file_is_named_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sightline")).unwrap();
        std::fs::write(folder.path().join("sightline/config.toml"), "token = slp_canary").unwrap();
        let error = environment(&[("XDG_CONFIG_HOME", folder.path().to_str().unwrap())])
            .config()
            .unwrap_err();
        let text = format!("{error:#} {error:?}");
        assert!(
            text.contains("config.toml is not understood") && !text.contains("canary"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_no_color_is_none() {
        assert!(!environment(&[("NO_COLOR", "")]).no_color);
        assert!(environment(&[("NO_COLOR", "1")]).no_color);
        assert!(environment(&[("TERM", "dumb")]).no_color);
    }
}
