//! Counts failed logins in the database; the rule is [`domain::login_throttle`].

use std::net::{IpAddr, Ipv6Addr};

use db::login_throttle::{self, BucketId};
use db::{Connection, DbError, Transaction};
use domain::email::Email;
use domain::ids::UserId;
use domain::login_throttle::{ACCOUNT_FAILURES, ADDRESS_FAILURES, Decision};
use service_kit::ApiError;
use sha2::{Digest as _, Sha256};

use crate::cookies::DeviceNonce;

/// The buckets in which one attempt counts, in the order of their ids: two attempts never wait for each other.
pub(crate) struct Attempt(Vec<Counted>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    id: BucketId,
    limit: u32,
    /// Whether a success forgives the whole bucket, or only takes itself back: whoever logs in to an account of their
    /// own must not thereby clear their address for guessing at others.
    forgives: bool,
}

impl Attempt {
    /// A login from a device that has logged in to this account before. Nothing that strangers do, not even from the
    /// same address, stands in its way.
    pub(crate) fn from_known_device(user_id: UserId, device: DeviceNonce) -> Self {
        Self(vec![Counted {
            id: bucket_id(&["device", &user_id.to_string()], &device),
            limit: ACCOUNT_FAILURES,
            forgives: true,
        }])
    }

    /// A login from anywhere else, whether or not there is such an account.
    pub(crate) fn from_stranger(email: &Email, ip: Option<IpAddr>) -> Self {
        let mut counted = vec![
            Counted {
                id: bucket_id(&["account", email.as_str()], &[]),
                limit: ACCOUNT_FAILURES,
                forgives: true,
            },
            address(ip),
        ];
        counted.sort_unstable();
        Self(counted)
    }

    /// A signup. It fails where the e-mail has an account, which tells a guesser something.
    pub(crate) fn signup(ip: Option<IpAddr>) -> Self {
        Self(vec![address(ip)])
    }

    /// Counts the attempt as a failure before its outcome is known, so that attempts at the same moment count one
    /// another. Refused attempts are not counted.
    pub(crate) async fn count(&self, conn: &mut Connection) -> Result<(), ApiError> {
        let ids: Vec<BucketId> = self.0.iter().map(|counted| counted.id).collect();
        if let Some(wait) = login_throttle::blocked_for(conn, &ids).await? {
            return Err(refusal(wait));
        }
        let tx = conn.transaction().await?;
        for Counted { id, limit, .. } in &self.0 {
            let locked = login_throttle::lock(&tx, id).await?;
            match locked.bucket.attempt(*limit, locked.now) {
                Decision::Admit(next) => login_throttle::store(&tx, id, next).await?,
                Decision::Refuse { until } => return Err(refusal(until - locked.now)),
            }
        }
        tx.commit().await.map_err(DbError::from)?;
        Ok(())
    }

    /// Takes the count back, because the attempt succeeded.
    pub(crate) async fn forgive(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        for Counted { id, limit, forgives } in &self.0 {
            if *forgives {
                login_throttle::reset(tx, id).await?;
            } else {
                let locked = login_throttle::lock(tx, id).await?;
                login_throttle::store(tx, id, locked.bucket.undo(*limit)).await?;
            }
        }
        Ok(())
    }
}

fn refusal(wait: time::Duration) -> ApiError {
    let retry_after_s = u64::try_from(wait.whole_seconds()).unwrap_or(0) + 1;
    ApiError::RateLimited {
        message: format!(
            "too many failed attempts; try again in {retry_after_s} s, or from a browser that logged in to this account \
             before"
        ),
        retry_after_s,
    }
}

fn address(ip: Option<IpAddr>) -> Counted {
    let name = ip.map_or_else(|| "unknown".to_owned(), |ip| network_of(ip).to_string());
    Counted {
        id: bucket_id(&["address", &name], &[]),
        limit: ADDRESS_FAILURES,
        forgives: false,
    }
}

/// One customer's share of the internet: an IPv4 address, or the 64 bits that a whole IPv6 household has.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
    }
}

fn bucket_id(names: &[&str], bytes: &[u8]) -> BucketId {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update([0]);
    }
    hash.update(bytes);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("203.0.113.9", "203.0.113.9")]
    #[case("::ffff:203.0.113.9", "203.0.113.9")]
    #[case("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    fn an_address_stands_for_one_customer(#[case] ip: IpAddr, #[case] network: IpAddr) {
        assert_eq!(network_of(ip), network);
    }

    #[test]
    fn buckets_are_taken_in_one_order_whoever_attempts() {
        for number in 0..50 {
            let email: Email = format!("ada{number}@example.com").parse().unwrap();
            let Attempt(counted) = Attempt::from_stranger(&email, "203.0.113.9".parse().ok());
            assert!(counted.is_sorted() && counted.len() == 2);
        }
    }

    #[test]
    fn no_two_names_share_a_bucket() {
        assert_ne!(
            bucket_id(&["account", "a"], &[]),
            bucket_id(&["address", "a"], &[])
        );
        assert_ne!(bucket_id(&["a", "b"], &[]), bucket_id(&["ab"], &[]));
        assert_ne!(
            bucket_id(&["device", "a"], b"1"),
            bucket_id(&["device", "a"], b"2")
        );
    }
}
