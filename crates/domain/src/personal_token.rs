//! Personal access tokens: what a person's scripts, Grafana and command line send to act as that person in one
//! organisation.

use crate::role::Role;
use crate::token;

/// Every raw token starts with this, so that secret scanners can find a leaked one.
pub const PREFIX: &str = "slp_";

/// How many characters of a raw token are kept in clear, so that people can tell tokens apart: the prefix and 6 more.
pub const SHOWN_CHARS: usize = 10;

/// Makes a raw token (`slp_` + 32 base62 + 6 checksum) from a cryptographic source of bytes.
pub fn mint(random: impl FnMut() -> u8) -> String {
    token::mint(PREFIX, random)
}

/// Whether a text could be a token that we made; checked before the database is asked.
pub fn is_well_formed(raw: &str) -> bool {
    token::is_well_formed(PREFIX, raw)
}

/// What a token may do now: never more than it was made for, nor more than its owner may by now.
pub fn effective_role(of_token: Role, of_member: Role) -> Role {
    of_token.min(of_member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_no_key() {
        let raw = mint(|| 7);
        assert_eq!(raw.len(), 42);
        assert!(is_well_formed(&raw));
        assert!(!crate::api_key::is_well_formed(&raw));
        assert!(!is_well_formed(&crate::api_key::mint(|| 7)));
    }

    #[test]
    fn the_lower_role_counts() {
        for (of_token, of_member, expected) in [
            (Role::Viewer, Role::Admin, Role::Viewer),
            (Role::Admin, Role::Viewer, Role::Viewer),
            (Role::Admin, Role::Developer, Role::Developer),
            (Role::Developer, Role::Developer, Role::Developer),
        ] {
            assert_eq!(effective_role(of_token, of_member), expected);
        }
    }
}
