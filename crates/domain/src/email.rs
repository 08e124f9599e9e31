//! E-mail addresses as account names.

use serde::{Deserialize, Serialize};

/// A lower-cased address. The check is deliberately shallow (one `@`, no blanks, bounded): only a delivered mail
/// proves an address, and refusing a working one is the worse mistake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = "email")]
pub struct Email(String);

impl Email {
    /// RFC 5321 section 4.5.3.1.3, in bytes.
    pub const MAX_BYTES: usize = 254;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;
    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        text.parse()
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let well_formed = text
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
        let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if well_formed && clean && text.len() <= Self::MAX_BYTES {
            Ok(Self(text))
        } else {
            Err(InvalidEmail)
        }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text_column!(Email);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be an e-mail address such as ada@example.com")]
pub struct InvalidEmail;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_do_not_make_a_second_account() {
        assert_eq!(
            " Ada@Example.COM ".parse::<Email>().unwrap().as_str(),
            "ada@example.com"
        );
    }

    #[rstest::rstest]
    #[case("ada")]
    #[case("@example.com")]
    #[case("ada@")]
    #[case("a@b@c")]
    #[case("a b@c")]
    #[case("a@b\0")]
    fn what_cannot_be_an_address_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Email>(), Err(InvalidEmail));
    }
}
