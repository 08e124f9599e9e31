//! Hashing and verifying passwords: argon2id, off the async threads, on at most as many cores as there are.

use std::sync::Arc;
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use service_kit::ApiError;
use service_kit::secrets;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics;

/// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. Measured at 25 ms.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Requests that may wait for each core: about a second's worth.
const WAITING_PER_CORE: usize = 32;
/// What a refused request is told to wait, in seconds.
const RETRY_AFTER_S: u64 = 2;

/// What verifying a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed by an older system or with weaker parameters: to be hashed anew.
    RightButWeak,
}

pub(crate) struct Passwords {
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Verified where there is no account, so that its absence takes as long as a wrong password.
    dummy: Arc<str>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let dummy = hash(&secrets::random_bytes::<32>())?;
        Ok(Self {
            cores: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores * (1 + WAITING_PER_CORE))),
            dummy: dummy.into(),
        })
    }

    /// Takes a place in the queue, or says at once that it is full.
    pub(crate) fn reserve(&self) -> Result<Place, ApiError> {
        let permit = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_full| ApiError::Busy {
                message: format!("too many people are logging in just now; try again in {RETRY_AFTER_S} s"),
                retry_after_s: RETRY_AFTER_S,
            })?;
        Ok(Place {
            cores: Arc::clone(&self.cores),
            dummy: Arc::clone(&self.dummy),
            _permit: permit,
        })
    }
}

/// A place in the queue for a core, held until it is dropped.
pub(crate) struct Place {
    cores: Arc<Semaphore>,
    dummy: Arc<str>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(crate) async fn hash(&self, password: &str) -> Result<String, ApiError> {
        let password = password.to_owned();
        self.on_a_core(move || hash(password.as_bytes()))
            .await?
            .map_err(ApiError::internal)
    }

    /// Compares with the hash of an account; without one it takes as long, and is wrong.
    pub(crate) async fn verify(&self, password: &str, stored: Option<String>) -> Result<Verdict, ApiError> {
        let (password, dummy) = (password.to_owned(), Arc::clone(&self.dummy));
        self.on_a_core(move || {
            let known = stored.and_then(|stored| verify(password.as_bytes(), &stored));
            known.unwrap_or_else(|| {
                verify(password.as_bytes(), &dummy);
                Verdict::Wrong
            })
        })
        .await
    }

    async fn on_a_core<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let core = Arc::clone(&self.cores)
            .acquire_owned()
            .await
            .map_err(ApiError::internal)?;
        let job = tokio::task::spawn_blocking(move || {
            let _until_done = core;
            let started = Instant::now();
            let result = work();
            metrics::hashed(started.elapsed());
            result
        });
        job.await.map_err(ApiError::internal)
    }
}

fn hash(password: &[u8]) -> Result<String, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(hasher.hash_password(password)?.to_string())
}

/// `None` when the stored text is no hash that we know: an account that cannot log in with a password.
fn verify(password: &[u8], stored: &str) -> Option<Verdict> {
    if ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|scheme| stored.starts_with(scheme))
    {
        let right = bcrypt::verify(password, stored).ok()?;
        return Some(if right {
            Verdict::RightButWeak
        } else {
            Verdict::Wrong
        });
    }
    let parsed = PasswordHash::new(stored).ok()?;
    match Argon2::default().verify_password(password, &parsed) {
        Ok(()) if is_weak(&parsed) => Some(Verdict::RightButWeak),
        Ok(()) => Some(Verdict::Right),
        Err(HashError::PasswordInvalid) => Some(Verdict::Wrong),
        Err(_) => None,
    }
}

/// Whether a hash costs a guesser less than ours do: memory times passes, as OWASP's equivalent choices are.
fn is_weak(parsed: &PasswordHash) -> bool {
    let Ok(params) = Params::try_from(parsed) else {
        return true;
    };
    let work = |memory: u32, passes: u32| u64::from(memory) * u64::from(passes);
    parsed.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || parsed.version != Some(Version::V0x13.into())
        || work(params.m_cost(), params.t_cost()) < work(MEMORY_KIB, PASSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon2(algorithm: Algorithm, memory: u32, passes: u32) -> String {
        let params = Params::new(memory, passes, 1, None).unwrap();
        let hasher = Argon2::new(algorithm, Version::V0x13, params);
        hasher.hash_password(b"four random words").unwrap().to_string()
    }

    #[test]
    fn a_hash_is_argon2id_at_the_owasp_parameters_and_salted() {
        let first = hash(b"four random words").unwrap();
        assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");
        assert_ne!(first, hash(b"four random words").unwrap());
        assert_eq!(verify(b"four random words", &first), Some(Verdict::Right));
        assert_eq!(verify(b"four random word", &first), Some(Verdict::Wrong));
    }

    #[rstest::rstest]
    #[case::less_memory(Algorithm::Argon2id, 4_096, 3, Verdict::RightButWeak)]
    #[case::one_pass(Algorithm::Argon2id, 19_456, 1, Verdict::RightButWeak)]
    #[case::another_variant(Algorithm::Argon2i, 19_456, 2, Verdict::RightButWeak)]
    #[case::more_memory_for_fewer_passes(Algorithm::Argon2id, 47_104, 1, Verdict::Right)]
    fn a_weaker_hash_is_right_once(
        #[case] algorithm: Algorithm,
        #[case] memory: u32,
        #[case] passes: u32,
        #[case] expected: Verdict,
    ) {
        assert_eq!(
            verify(b"four random words", &argon2(algorithm, memory, passes)),
            Some(expected)
        );
    }

    // Made by htpasswd -nbB, Python's bcrypt and PHP's password_hash have these three forms.
    #[rstest::rstest]
    #[case("$2a$")]
    #[case("$2b$")]
    #[case("$2y$")]
    fn a_bcrypt_hash_of_an_older_system_is_right_once(#[case] scheme: &str) {
        let stored = bcrypt::hash(b"four random words", 4).unwrap();
        let stored = stored.replacen("$2b$", scheme, 1);
        assert_eq!(verify(b"four random words", &stored), Some(Verdict::RightButWeak));
        assert_eq!(verify(b"something else", &stored), Some(Verdict::Wrong));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("!")]
    #[case("plain text")]
    #[case("$2b$nonsense")]
    #[case("$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA")]
    #[case("$1$salt$md5crypt")]
    fn what_is_no_hash_verifies_nothing(#[case] stored: &str) {
        assert_eq!(verify(b"", stored), None);
        assert_eq!(verify(stored.as_bytes(), stored), None);
    }

    #[tokio::test]
    async fn without_an_account_every_password_is_wrong() {
        let passwords = Passwords::new().unwrap();
        let place = passwords.reserve().unwrap();
        assert_eq!(place.verify("anything", None).await.unwrap(), Verdict::Wrong);
        assert_eq!(
            place.verify("anything", Some("!".into())).await.unwrap(),
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once_and_recovers() {
        let passwords = Passwords::new().unwrap();
        let mut places = Vec::new();
        let refusal = loop {
            match passwords.reserve() {
                Ok(place) => places.push(place),
                Err(refusal) => break refusal,
            }
        };
        assert!(matches!(refusal, ApiError::Busy { retry_after_s: 2, .. }));
        assert_eq!(places.len() % (1 + WAITING_PER_CORE), 0);
        places.pop();
        assert!(passwords.reserve().is_ok());
    }
}
