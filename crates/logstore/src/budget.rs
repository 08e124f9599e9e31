//! A bounded amount that all tenants share, such as the bytes waiting to be written.
//!
//! What does not fit is refused at once, never queued. Below half of the limit everybody is served; above it, an
//! organisation that already holds its even share is refused first, so that a noisy tenant leaves room for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::OrgId;

/// Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Mutex<Account>>);

#[derive(Debug)]
struct Account {
    limit: usize,
    used: usize,
    held: HashMap<OrgId, usize>,
}

/// An amount taken from a budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    org_id: OrgId,
    amount: usize,
}

impl Budget {
    pub fn new(limit: usize) -> Self {
        let held = HashMap::new();
        Self(Arc::new(Mutex::new(Account { limit, used: 0, held })))
    }

    /// Takes the amount for an organisation, or nothing. An amount above the whole limit fits when nothing else is
    /// taken: it could never be served otherwise.
    pub fn reserve(&self, org_id: OrgId, amount: usize) -> Option<Reservation> {
        let mut account = self.account();
        account.admits(org_id, amount).then(|| {
            account.take(org_id, amount);
            Reservation {
                budget: self.clone(),
                org_id,
                amount,
            }
        })
    }

    /// What is taken at this moment.
    pub fn used(&self) -> usize {
        self.account().used
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        // The numbers are changed together and without a panic in between.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn admits(&self, org_id: OrgId, amount: usize) -> bool {
        if self.used == 0 {
            return true;
        }
        let used = self.used.saturating_add(amount);
        if used > self.limit {
            return false;
        }
        let own = self.held.get(&org_id).copied().unwrap_or(0);
        let others = self.held.len() - usize::from(own > 0);
        // One share more than there are tenants: the next one finds room as well.
        used <= self.limit / 2 || own + amount <= self.limit / (others + 2)
    }

    fn take(&mut self, org_id: OrgId, amount: usize) {
        self.used += amount;
        if amount > 0 {
            *self.held.entry(org_id).or_default() += amount;
        }
    }

    fn give_back(&mut self, org_id: OrgId, amount: usize) {
        self.used -= amount;
        if let Some(own) = self.held.get_mut(&org_id) {
            *own -= amount;
            if *own == 0 {
                self.held.remove(&org_id);
            }
        }
    }
}

impl Reservation {
    /// Takes more, or nothing more; says whether it did.
    pub fn grow(&mut self, more: usize) -> bool {
        let mut account = self.budget.account();
        // What is held already must not pass as a budget that is empty but for this request.
        let fits = if account.used == self.amount {
            account.used.saturating_add(more) <= account.limit
        } else {
            account.admits(self.org_id, more)
        };
        if fits {
            account.take(self.org_id, more);
            self.amount += more;
        }
        fits
    }

    pub fn amount(&self) -> usize {
        self.amount
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.account().give_back(self.org_id, self.amount);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_dropped_is_free_again() {
        let (budget, org) = (Budget::new(100), OrgId::generate());
        let first = budget.reserve(org, 40).unwrap();
        assert!(budget.reserve(org, 61).is_none());
        drop(first);
        assert_eq!(budget.used(), 0);
        assert!(budget.reserve(org, 100).is_some());
    }

    #[test]
    fn a_noisy_tenant_leaves_room_for_a_quiet_one() {
        let (budget, noisy, quiet) = (Budget::new(100), OrgId::generate(), OrgId::generate());
        let held: Vec<Reservation> = std::iter::from_fn(|| budget.reserve(noisy, 10)).collect();
        assert_eq!(held.len(), 5, "half, as long as nobody else is here");
        let others: Vec<Reservation> = std::iter::from_fn(|| budget.reserve(quiet, 10)).collect();
        assert_eq!(others.len(), 3, "an even share of three");
        assert!(
            budget.reserve(OrgId::generate(), 10).is_some(),
            "and a third one too"
        );
    }

    #[test]
    fn what_is_larger_than_the_limit_passes_alone_and_never_beside_others() {
        let (budget, org) = (Budget::new(100), OrgId::generate());
        let large = budget.reserve(org, 500).unwrap();
        assert!(budget.reserve(OrgId::generate(), 1).is_none());
        drop(large);
        let _small = budget.reserve(org, 1).unwrap();
        assert!(budget.reserve(org, 500).is_none());
    }

    #[test]
    fn a_reservation_grows_to_the_limit_when_it_is_alone() {
        let (budget, org) = (Budget::new(100), OrgId::generate());
        let mut alone = budget.reserve(org, 10).unwrap();
        assert!(alone.grow(90));
        assert!(!alone.grow(1));
        assert_eq!((alone.amount(), budget.used()), (100, 100));
    }

    proptest! {
        #[test]
        fn the_limit_holds_and_everything_comes_back(steps in prop::collection::vec((0_usize..3, 0_usize..40, any::<bool>()), 1..200)) {
            let budget = Budget::new(100);
            let orgs = [OrgId::generate(), OrgId::generate(), OrgId::generate()];
            let mut held: Vec<Reservation> = Vec::new();
            for (org, amount, take) in steps {
                if take {
                    held.extend(budget.reserve(orgs[org], amount));
                } else if held.last_mut().is_some_and(|last| !last.grow(amount)) {
                    held.pop();
                }
                prop_assert!(budget.used() <= 100);
                prop_assert_eq!(budget.used(), held.iter().map(Reservation::amount).sum::<usize>());
            }
            held.clear();
            prop_assert_eq!(budget.used(), 0);
            prop_assert!(budget.account().held.is_empty());
        }
    }
}
