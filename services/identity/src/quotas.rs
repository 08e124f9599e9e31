//! How many of each thing there may be. Far above what people need: they keep a runaway script from filling the tables.
//! They are counted and not locked, so that requests at the same moment may pass one by a few.

use service_kit::ApiError;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    most: i64,
    /// In the plural, as the message says it.
    things: &'static str,
    remedy: &'static str,
}

pub(crate) const ORGS_PER_USER: Quota = Quota {
    most: 100,
    things: "organisations for one person",
    remedy: "leave one first",
};
pub(crate) const SERVICES_PER_ORG: Quota = Quota {
    most: 10_000,
    things: "services in one organisation",
    remedy: "delete one that is no longer used",
};
pub(crate) const ENVIRONMENTS_PER_SERVICE: Quota = Quota {
    most: 100,
    things: "environments in one service",
    remedy: "reuse one of them",
};
pub(crate) const LIVE_KEYS_PER_SERVICE: Quota = Quota {
    most: 1_000,
    things: "live keys in one service",
    remedy: "revoke one that is no longer used",
};
pub(crate) const LIVE_TOKENS_PER_MEMBER: Quota = Quota {
    most: 50,
    things: "live personal access tokens of yours",
    remedy: "revoke one that is no longer used",
};
pub(crate) const OPEN_INVITES_PER_ORG: Quota = Quota {
    most: 1_000,
    things: "open invites in one organisation",
    remedy: "withdraw one first",
};
/// The oldest session ends when one more is opened.
pub(crate) const SESSIONS_PER_USER: i64 = 100;

impl Quota {
    /// Says whether one more may be made when there are `existing`.
    pub(crate) fn admit(self, existing: i64) -> Result<(), ApiError> {
        let Self { most, things, remedy } = self;
        if existing < most {
            Ok(())
        } else {
            Err(ApiError::Conflict(format!(
                "there are {most} {things} already, the most there may be; {remedy}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_fits_and_the_next_is_refused_with_a_remedy() {
        assert!(ENVIRONMENTS_PER_SERVICE.admit(99).is_ok());
        let refusal = ENVIRONMENTS_PER_SERVICE.admit(100).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "there are 100 environments in one service already, the most there may be; reuse one of them"
        );
    }
}
