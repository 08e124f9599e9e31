//! Which new passwords are accepted: long enough, and not one of those that guessers try first (OWASP ASVS 6.2).

use domain::email::Email;
use serde::Deserialize;
use service_kit::ApiError;

/// The most common passwords of at least eight characters, lower case, one a line.
const COMMON: &str = include_str!("password_policy/common.txt");

/// A password that somebody wants from now on. Does not print.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NewPassword(String);

impl NewPassword {
    /// In characters (ASVS 6.2.1 and 6.2.9).
    pub(crate) const MIN_CHARS: usize = 8;
    /// Bounds the work of one request.
    pub(crate) const MAX_CHARS: usize = 128;

    /// Refuses the account's own e-mail as its password.
    pub(crate) fn for_account(self, email: &Email) -> Result<String, ApiError> {
        if self.0.trim().to_lowercase() == email.as_str() {
            Err(ApiError::invalid("password", "must not be the e-mail address"))
        } else {
            Ok(self.0)
        }
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(..)")
    }
}

impl TryFrom<String> for NewPassword {
    type Error = RefusedPassword;
    fn try_from(text: String) -> Result<Self, RefusedPassword> {
        let chars = text.chars().count();
        if !(Self::MIN_CHARS..=Self::MAX_CHARS).contains(&chars) {
            return Err(RefusedPassword::Length);
        }
        if text.contains('\0') {
            return Err(RefusedPassword::Nul);
        }
        let lower = text.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(RefusedPassword::Common);
        }
        Ok(Self(text))
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum RefusedPassword {
    #[error(
        "must be {} to {} characters; several words make a good one",
        NewPassword::MIN_CHARS,
        NewPassword::MAX_CHARS
    )]
    Length,
    #[error("must not contain the NUL character")]
    Nul,
    #[error("is one of the passwords that guessers try first; choose another")]
    Common,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Result<(), RefusedPassword> {
        NewPassword::try_from(text.to_owned()).map(|_| ())
    }

    #[rstest::rstest]
    #[case("seven77", Err(RefusedPassword::Length))]
    #[case("ünïcödé!", Ok(()))]
    #[case("four random words", Ok(()))]
    #[case(&"x".repeat(128), Ok(()))]
    #[case(&"x".repeat(129), Err(RefusedPassword::Length))]
    #[case("with\0nul in it", Err(RefusedPassword::Nul))]
    #[case("password123", Err(RefusedPassword::Common))]
    #[case("PassWord123", Err(RefusedPassword::Common))]
    #[case("12345678", Err(RefusedPassword::Common))]
    fn a_password_is_judged(#[case] text: &str, #[case] expected: Result<(), RefusedPassword>) {
        assert_eq!(verdict(text), expected);
    }

    #[test]
    fn the_own_address_is_no_password() {
        let email: Email = "ada@example.com".parse().unwrap();
        let password = NewPassword::try_from("Ada@Example.com".to_owned()).unwrap();
        assert!(password.for_account(&email).is_err());
    }

    #[test]
    fn a_password_does_not_print() {
        let password = NewPassword::try_from("four random words".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "NewPassword(..)");
    }

    #[test]
    fn every_listed_password_could_be_chosen() {
        for common in COMMON.lines() {
            assert!(
                common.chars().count() >= NewPassword::MIN_CHARS,
                "{common} is too short anyway"
            );
            assert_eq!(common, common.to_lowercase());
        }
    }
}
