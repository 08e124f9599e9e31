//! Links by which the addressee of a message acknowledges its incident: sealed, for one incident and one channel, and only
//! for so long. Whoever holds the link may do just that.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{ChannelId, IncidentId, OrgId};
use service_kit::secrets::{SealedFor, Sealer};
use time::{Duration, OffsetDateTime};
use url::Url;
use uuid::Uuid;

/// Whoever is told today may still look after it tomorrow; a mail that is found later opens nothing.
const LIFETIME: Duration = Duration::hours(24);
const WHAT: &str = "acknowledge_link";

/// What a link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "they are ids of three different things")]
pub(crate) struct Acknowledgement {
    pub(crate) org_id: OrgId,
    pub(crate) incident_id: IncidentId,
    /// Whom the message was for.
    pub(crate) channel_id: ChannelId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLink {
    #[error("the link is not one of ours, or was cut: open the incident in Sightline instead")]
    Malformed,
    #[error("the link has expired: open the incident in Sightline instead")]
    Expired,
}

impl Acknowledgement {
    /// `organisation (16) | incident (16) | sealed (channel (16) | expiry (8))`, where the seal belongs to both ids.
    pub(crate) fn token(&self, sealer: &Sealer, now: OffsetDateTime) -> Option<String> {
        let expires = (now + LIFETIME).unix_timestamp();
        let plain = [&self.channel_id.0.as_bytes()[..], &expires.to_be_bytes()].concat();
        let sealed = sealer.seal(&plain, self.owner()).ok()?;
        let ids = [*self.org_id.0.as_bytes(), *self.incident_id.0.as_bytes()].concat();
        Some(URL_SAFE_NO_PAD.encode([ids, sealed].concat()))
    }

    pub(crate) fn link(&self, sealer: &Sealer, public_url: &Url, now: OffsetDateTime) -> Option<String> {
        let base = public_url.as_str().trim_end_matches('/');
        Some(format!("{base}/api/acknowledge/{}", self.token(sealer, now)?))
    }

    pub(crate) fn read(token: &str, sealer: &Sealer, now: OffsetDateTime) -> Result<Self, InvalidLink> {
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_not_base64| InvalidLink::Malformed)?;
        let (org, rest) = bytes.split_first_chunk::<16>().ok_or(InvalidLink::Malformed)?;
        let (incident, sealed) = rest.split_first_chunk::<16>().ok_or(InvalidLink::Malformed)?;
        let mut found = Self {
            org_id: OrgId(Uuid::from_bytes(*org)),
            incident_id: IncidentId(Uuid::from_bytes(*incident)),
            channel_id: ChannelId(Uuid::nil()),
        };
        let plain = sealer
            .open(sealed, found.owner())
            .map_err(|_not_sealed| InvalidLink::Malformed)?;
        let (channel, expires) = plain.split_first_chunk::<16>().ok_or(InvalidLink::Malformed)?;
        let expires = expires
            .first_chunk::<8>()
            .map(|bytes| i64::from_be_bytes(*bytes))
            .ok_or(InvalidLink::Malformed)?;
        found.channel_id = ChannelId(Uuid::from_bytes(*channel));
        if now.unix_timestamp() < expires {
            Ok(found)
        } else {
            Err(InvalidLink::Expired)
        }
    }

    fn owner(&self) -> SealedFor<'static> {
        SealedFor {
            what: WHAT,
            org_id: self.org_id,
            row_id: self.incident_id.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Acknowledgement, Sealer, OffsetDateTime) {
        let acknowledgement = Acknowledgement {
            org_id: OrgId::generate(),
            incident_id: IncidentId::generate(),
            channel_id: ChannelId::generate(),
        };
        let sealer = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().unwrap();
        (acknowledgement, sealer, OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_link_opens_what_it_was_made_for_and_only_for_so_long() {
        let (acknowledgement, sealer, now) = sample();
        let token = acknowledgement.token(&sealer, now).unwrap();
        let read = |at| Acknowledgement::read(&token, &sealer, at);
        assert_eq!(read(now), Ok(acknowledgement));
        assert_eq!(read(now + LIFETIME - Duration::SECOND), Ok(acknowledgement));
        assert_eq!(read(now + LIFETIME), Err(InvalidLink::Expired));
    }

    #[test]
    fn a_changed_link_opens_nothing() {
        let (acknowledgement, sealer, now) = sample();
        let token = acknowledgement.token(&sealer, now).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            let read = Acknowledgement::read(&changed, &sealer, now);
            assert_eq!(read, Err(InvalidLink::Malformed), "byte {index}");
        }
        for length in 0..token.len() {
            assert!(Acknowledgement::read(&token[..length], &sealer, now).is_err());
        }
    }
}
