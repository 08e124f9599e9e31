//! Who may search now: a few at a time per organisation, in the order of arrival, so that one tenant's searches cannot
//! take the database from the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::OrgId;
use service_kit::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::{Config, metrics};

/// Searches that may wait for each one that may run.
const WAITING_PER_RUNNING: usize = 4;
/// Followers of one organisation, and of all together: each looks five times a second.
const FOLLOWING_PER_ORG: usize = 64;
const FOLLOWING: usize = 256;
/// Connections that searches leave for the look-up of sessions.
const RESERVED_CONNECTIONS: usize = 2;
/// Above this many known organisations those without a search are forgotten.
const KNOWN_ORGS: usize = 1_024;

pub(crate) struct Admission {
    per_org: usize,
    wait: Duration,
    /// All organisations together.
    running: Arc<Semaphore>,
    /// All organisations together.
    following: Arc<Semaphore>,
    doors: Mutex<HashMap<OrgId, Arc<Door>>>,
}

/// The right to follow new lines, until dropped.
pub(crate) struct TailPermit {
    _permits: [OwnedSemaphorePermit; 2],
    _door: Arc<Door>,
}

/// One organisation's door.
struct Door {
    /// Waiting and running.
    inside: Arc<Semaphore>,
    running: Arc<Semaphore>,
    following: Arc<Semaphore>,
}

/// The right to run one search, until dropped.
pub(crate) struct Permit {
    _place: Place,
    _turn: Turn,
}

/// One of the places that an organisation has, until dropped.
pub(crate) struct Place {
    _permits: [OwnedSemaphorePermit; 2],
    // Keeps the door known while somebody is behind it.
    _door: Arc<Door>,
}

/// The right to search now, until dropped.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Admission {
    pub(crate) fn new(config: &Config) -> Self {
        let connections = config.common.database_pool_size;
        Self {
            per_org: config.searches_per_org.max(1),
            wait: Duration::from_millis(config.search_wait_ms),
            running: Arc::new(Semaphore::new(
                connections.saturating_sub(RESERVED_CONNECTIONS).max(1),
            )),
            following: Arc::new(Semaphore::new(FOLLOWING)),
            doors: Mutex::default(),
        }
    }

    /// Waits for a turn. Too many of the organisation's own searches are its own limit (429), too many of everybody's
    /// are ours (503).
    pub(crate) async fn enter(&self, org_id: OrgId) -> Result<Permit, ApiError> {
        let deadline = Instant::now() + self.wait;
        let place = self.place(org_id, deadline).await?;
        let Ok(turn) = timeout_at(deadline, self.turn()).await else {
            metrics::search_refused("busy");
            return Err(ApiError::Busy {
                message: "too many searches are running; try again in 1 s".into(),
                retry_after_s: 1,
            });
        };
        Ok(Permit {
            _place: place,
            _turn: turn,
        })
    }

    /// Waits for a place for what lasts as long as its client takes. It searches only while it has a [turn](Self::turn).
    pub(crate) async fn enter_for_long(&self, org_id: OrgId) -> Result<Place, ApiError> {
        self.place(org_id, Instant::now() + self.wait).await
    }

    /// Waits, however long, until one more of all searches may run.
    pub(crate) async fn turn(&self) -> Turn {
        let permit = Arc::clone(&self.running).acquire_owned().await;
        // It is never closed.
        Turn { _permit: permit.ok() }
    }

    async fn place(&self, org_id: OrgId, deadline: Instant) -> Result<Place, ApiError> {
        let door = self.door(org_id);
        let Ok(inside) = Arc::clone(&door.inside).try_acquire_owned() else {
            return Err(self.too_many_of_org());
        };
        let Ok(Ok(own)) = timeout_at(deadline, Arc::clone(&door.running).acquire_owned()).await else {
            return Err(self.too_many_of_org());
        };
        Ok(Place {
            _permits: [inside, own],
            _door: door,
        })
    }

    /// Lets somebody follow new lines, or says that there are too many.
    pub(crate) fn follow(&self, org_id: OrgId) -> Result<TailPermit, ApiError> {
        let door = self.door(org_id);
        let Ok(own) = Arc::clone(&door.following).try_acquire_owned() else {
            return Err(ApiError::RateLimited {
                message: format!("{FOLLOWING_PER_ORG} tails of this organisation are open; close one"),
                retry_after_s: 5,
            });
        };
        let Ok(shared) = Arc::clone(&self.following).try_acquire_owned() else {
            return Err(ApiError::Busy {
                message: "too many tails are open; try again in 5 s".into(),
                retry_after_s: 5,
            });
        };
        Ok(TailPermit {
            _permits: [own, shared],
            _door: door,
        })
    }

    fn door(&self, org_id: OrgId) -> Arc<Door> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if doors.len() >= KNOWN_ORGS {
            doors.retain(|_, door| Arc::strong_count(door) > 1);
        }
        let door = doors.entry(org_id).or_insert_with(|| {
            Arc::new(Door {
                inside: Arc::new(Semaphore::new(self.per_org * (1 + WAITING_PER_RUNNING))),
                running: Arc::new(Semaphore::new(self.per_org)),
                following: Arc::new(Semaphore::new(FOLLOWING_PER_ORG)),
            })
        });
        Arc::clone(door)
    }

    fn too_many_of_org(&self) -> ApiError {
        metrics::search_refused("rate_limited");
        ApiError::RateLimited {
            message: format!(
                "your organisation has {} searches running and more waiting; try again when one has ended",
                self.per_org
            ),
            retry_after_s: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(per_org: usize, all: usize) -> Admission {
        Admission {
            per_org,
            wait: Duration::from_millis(20),
            running: Arc::new(Semaphore::new(all)),
            following: Arc::new(Semaphore::new(FOLLOWING)),
            doors: Mutex::default(),
        }
    }

    #[tokio::test]
    async fn an_organisation_at_its_limit_is_refused_and_others_are_not() {
        let admission = admission(1, 10);
        let (a, b) = (OrgId::generate(), OrgId::generate());
        let held = admission.enter(a).await.unwrap();
        assert!(matches!(
            admission.enter(a).await,
            Err(ApiError::RateLimited { .. })
        ));
        admission.enter(b).await.unwrap();
        drop(held);
        admission.enter(a).await.unwrap();
    }

    #[test]
    fn an_organisation_follows_so_many_searches_and_no_more() {
        let admission = admission(1, 1);
        let (a, b) = (OrgId::generate(), OrgId::generate());
        let mut held: Vec<TailPermit> = (0..FOLLOWING_PER_ORG)
            .map(|_| admission.follow(a).unwrap())
            .collect();
        assert!(matches!(admission.follow(a), Err(ApiError::RateLimited { .. })));
        admission.follow(b).unwrap();
        held.pop();
        admission.follow(a).unwrap();
    }

    #[tokio::test]
    async fn a_full_house_is_our_limit() {
        let admission = admission(5, 1);
        let _held = admission.enter(OrgId::generate()).await.unwrap();
        let refused = admission.enter(OrgId::generate()).await;
        assert!(matches!(refused, Err(ApiError::Busy { .. })));
    }

    #[tokio::test]
    async fn who_waits_for_a_slow_client_keeps_nobody_from_searching() {
        let admission = admission(1, 1);
        let (a, b) = (OrgId::generate(), OrgId::generate());
        let _long = admission.enter_for_long(a).await.unwrap();
        admission.enter(b).await.unwrap();
        assert!(matches!(
            admission.enter(a).await,
            Err(ApiError::RateLimited { .. })
        ));
        let _turn = admission.turn().await;
        assert!(matches!(admission.enter(b).await, Err(ApiError::Busy { .. })));
    }

    #[tokio::test]
    async fn the_line_is_bounded_and_moves_up() {
        let mut admission = admission(1, 10);
        admission.wait = Duration::from_mins(1);
        let admission = Arc::new(admission);
        let org_id = OrgId::generate();
        let held = admission.enter(org_id).await.unwrap();
        let waiting: Vec<_> = (0..WAITING_PER_RUNNING)
            .map(|_| {
                let admission = Arc::clone(&admission);
                tokio::spawn(async move { admission.enter(org_id).await.map(drop) })
            })
            .collect();
        while admission.door(org_id).inside.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(
            admission.enter(org_id).await,
            Err(ApiError::RateLimited { .. })
        ));
        drop(held);
        for task in waiting {
            task.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn idle_organisations_are_forgotten() {
        let admission = admission(1, 10);
        let busy = OrgId::generate();
        let _held = admission.enter(busy).await.unwrap();
        for _ in 0..KNOWN_ORGS * 2 {
            admission.enter(OrgId::generate()).await.unwrap();
        }
        let doors = admission.doors.lock().unwrap();
        assert!(doors.len() <= KNOWN_ORGS && doors.contains_key(&busy));
    }
}
