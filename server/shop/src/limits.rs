//! Rate limits inside one process, for the few things a stranger can make the shop do.

use chrono::{NaiveDateTime, TimeDelta};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// At most `burst` per `window` and key, counted in a sliding window.
#[derive(Debug)]
pub(crate) struct Limit<K> {
    burst: usize,
    window: TimeDelta,
    taken: Mutex<HashMap<K, Vec<NaiveDateTime>>>,
}

/// More keys than this and the ones without a recent request are forgotten.
const KEYS_BEFORE_CLEANING: usize = 10_000;

impl<K: Eq + Hash> Limit<K> {
    pub(crate) fn new(burst: usize, window: TimeDelta) -> Self {
        Self { burst, window, taken: Mutex::default() }
    }

    /// Takes one for `key`; false if there is none left.
    pub(crate) fn take(&self, key: K, now: NaiveDateTime) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let start = now - self.window;
        if taken.len() > KEYS_BEFORE_CLEANING {
            taken.retain(|_, times| times.last().is_some_and(|last| *last > start));
        }
        let times = taken.entry(key).or_default();
        times.retain(|time| *time > start);
        let free = times.len() < self.burst;
        if free {
            times.push(now);
        }
        free
    }

    /// Gives back what was taken for `key` at that moment: it was no guess.
    pub(crate) fn give_back(&self, key: &K, at: NaiveDateTime) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = taken.get_mut(key)
            && let Some(index) = times.iter().position(|time| *time == at)
        {
            times.remove(index);
        }
    }
}

/// Strangers' guesses at one of the ways in.
#[derive(Debug)]
pub(crate) struct Guesses {
    /// Those at an account, whether there is one or not …
    by_account: Limit<String>,
    /// … from a network …
    by_network: Limit<IpAddr>,
    /// … and in all.
    in_all: Limit<()>,
}

impl Guesses {
    /// So many in a quarter of an hour for an account and from a network, and in five minutes in all.
    fn new(by_account: usize, by_network: usize, in_all: usize) -> Self {
        Self {
            by_account: Limit::new(by_account, TimeDelta::minutes(15)),
            by_network: Limit::new(by_network, TimeDelta::minutes(15)),
            in_all: Limit::new(in_all, TimeDelta::minutes(5)),
        }
    }

    /// Takes one; false if there is none left. The network first: what it guesses in vain takes nothing from the account's
    /// own.
    pub(crate) fn take(&self, network: IpAddr, account: &str, now: NaiveDateTime) -> bool {
        self.by_network.take(network, now) && self.by_account.take(account.to_owned(), now) && self.in_all.take((), now)
    }

    /// Gives back what was taken at that moment: it was no guess.
    pub(crate) fn give_back(&self, network: IpAddr, account: &str, at: NaiveDateTime) {
        self.by_network.give_back(&network, at);
        self.by_account.give_back(&account.to_owned(), at);
        self.in_all.give_back(&(), at);
    }
}

/// The shop's limits.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Free orders by address they are mailed to.
    pub(crate) free_by_email: Limit<String>,
    /// Free orders by network they come from.
    pub(crate) free_by_network: Limit<IpAddr>,
    /// Guesses at an order's secret, by network.
    pub(crate) order_secret: Limit<IpAddr>,
    /// Requests for a library by address …
    pub(crate) access_by_email: Limit<String>,
    /// … by network …
    pub(crate) access_by_network: Limit<IpAddr>,
    /// … and in all.
    pub(crate) access: Limit<()>,
    /// Guesses at a library's code, by network.
    pub(crate) access_guess: Limit<IpAddr>,
    /// Strangers' guesses at a password on the desk's page …
    pub(crate) desk: Guesses,
    /// … and at the API's address, so that a crowd at one of them closes nothing of the other.
    pub(crate) api: Guesses,
    /// Guesses of who is no stranger, by account and by what the store knows it by: browser, network, session.
    pub(crate) desk_by_known: Limit<(i64, String)>,
    /// Guesses at a code after the right password, by account and known browser.
    pub(crate) desk_code: Limit<(i64, String)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            free_by_email: Limit::new(3, TimeDelta::hours(1)),
            free_by_network: Limit::new(10, TimeDelta::hours(1)),
            order_secret: Limit::new(30, TimeDelta::hours(1)),
            access_by_email: Limit::new(3, TimeDelta::hours(1)),
            access_by_network: Limit::new(10, TimeDelta::hours(1)),
            access: Limit::new(1_000, TimeDelta::hours(1)),
            access_guess: Limit::new(30, TimeDelta::hours(1)),
            // Together 20 in five minutes, whichever way a crowd comes.
            desk: Guesses::new(5, 10, 14),
            api: Guesses::new(4, 4, 6),
            desk_by_known: Limit::new(10, TimeDelta::minutes(15)),
            desk_code: Limit::new(10, TimeDelta::minutes(15)),
        }
    }
}

/// What counts as one visitor: an IPv4 address, or a /64 of IPv6, which is what one customer gets.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// What the access log keeps of an address: /24 of IPv4, /48 of IPv6.
pub(crate) fn log_prefix(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => format!("{}/48", Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_slides() {
        let limit = Limit::new(2, TimeDelta::minutes(10));
        let t0 = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let at = |minutes| t0 + TimeDelta::minutes(minutes);
        assert!(limit.take("a", at(0)));
        assert!(limit.take("a", at(5)));
        assert!(!limit.take("a", at(9)));
        assert!(limit.take("b", at(9)));
        assert!(limit.take("a", at(11)));
        assert!(!limit.take("a", at(12)));
        limit.give_back(&"a", at(10));
        assert!(!limit.take("a", at(12)));
        limit.give_back(&"a", at(11));
        assert!(limit.take("a", at(12)));
    }

    #[test]
    fn addresses_are_cut() {
        assert_eq!(log_prefix("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(log_prefix("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(log_prefix("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1::/48");
        assert_eq!(network("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1:2::".parse::<IpAddr>().unwrap());
    }
}
