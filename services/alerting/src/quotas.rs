//! How many of each thing there may be. Far above what people need: they keep a runaway script from filling the tables
//! and the sweep. They are counted and not locked, so that requests at the same moment may pass one by a few.

use service_kit::ApiError;

const RULES_PER_ORG: i64 = 1_000;
const CHANNELS_PER_ORG: i64 = 100;

/// Says whether one more rule may be made when there are `existing`.
pub(crate) fn admit_rule(existing: i64) -> Result<(), ApiError> {
    admit(existing, RULES_PER_ORG, "alert rules")
}

/// Says whether one more channel may be made when there are `existing`.
pub(crate) fn admit_channel(existing: i64) -> Result<(), ApiError> {
    admit(existing, CHANNELS_PER_ORG, "channels")
}

fn admit(existing: i64, most: i64, things: &str) -> Result<(), ApiError> {
    if existing < most {
        Ok(())
    } else {
        Err(ApiError::Conflict(format!(
            "there are {most} {things} already, the most that an organisation may have; delete one that is no longer used"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_fits_and_the_next_is_refused_with_a_remedy() {
        assert!(admit_channel(CHANNELS_PER_ORG - 1).is_ok());
        let refusal = admit_channel(CHANNELS_PER_ORG).unwrap_err().to_string();
        assert!(
            refusal.contains("100 channels") && refusal.contains("delete one"),
            "{refusal}"
        );
    }
}
