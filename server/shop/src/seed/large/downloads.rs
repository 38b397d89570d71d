//! Download tokens of an entitlement, and what their buyers did with them.

use super::random::Random;
use super::rows::{self, Out, take};
use super::shelf::Title;
use super::words::Words;
use crate::SecretKey;
use crate::secrets::{self, Purpose};
use crate::shop::Policy;
use chrono::{NaiveDateTime, TimeDelta};

/// What was bought, when and in which browser.
#[derive(Clone, Copy)]
pub(super) struct Bought<'a> {
    pub(super) entitlement_id: i64,
    pub(super) title: &'a Title,
    pub(super) at: NaiveDateTime,
    pub(super) browser_hash: &'a str,
}

/// Makes them.
pub(super) struct Downloads<'a> {
    pub(super) key: &'a SecretKey,
    pub(super) policy: Policy,
    pub(super) words: &'a Words,
    pub(super) until: NaiveDateTime,
}

impl Downloads<'_> {
    /// The tokens of an entitlement: one, or a second one that took its place. A quarter of them has been used.
    pub(super) fn make(&self, random: &mut Random, bought: Bought<'_>, out: &mut Out) {
        let again = bought.at + TimeDelta::days(i64::from(self.policy.token_days) + random.between(1, 60));
        let renewed = (random.chance(20) && again < self.until && self.policy.renewals > 0).then_some(again);
        self.token(random, bought, 1, renewed, out);
        if let Some(again) = renewed {
            self.token(random, Bought { at: again, ..bought }, 2, None, out);
        }
    }

    fn token(
        &self,
        random: &mut Random,
        bought: Bought<'_>,
        generation: i32,
        revoked_at: Option<NaiveDateTime>,
        out: &mut Out,
    ) {
        let token_id = take(&mut out.ids.token);
        let claims = match random.below(1_000) {
            0..40 => 2,
            40..250 => 1,
            _ => 0,
        };
        let mut used_count = 0;
        let expires_at = bought.at + TimeDelta::days(self.policy.token_days.into());
        for _ in 0..claims.min(self.policy.token_uses) {
            // Most at once, some days later.
            let delay = if random.chance(800) { random.between(5, 3_000) } else { random.between(3_000, 500_000) };
            let at = bought.at + TimeDelta::seconds(delay);
            if at + TimeDelta::minutes(2) < self.until.min(expires_at) {
                self.claim(random, Bought { at, ..bought }, token_id, out);
                used_count += 1;
            }
        }
        let secret = self.key.derive(Purpose::DownloadToken, bought.entitlement_id, generation);
        out.rows.tokens.push(rows::Token {
            id: token_id,
            entitlement_id: bought.entitlement_id,
            hash: secrets::hash(&secret),
            generation,
            created_at: bought.at,
            expires_at,
            max_uses: self.policy.token_uses.into(),
            used_count,
            revoked_at,
        });
        let late = expires_at + TimeDelta::days(3);
        if random.chance(6) && late < self.until.min(revoked_at.unwrap_or(self.until)) {
            let entry = self.entry(random, token_id, late);
            out.log(rows::Log { status: 410, reason: "expired", ..entry });
        }
    }

    /// A use of a token: the claim, then the file.
    fn claim(&self, random: &mut Random, bought: Bought<'_>, token_id: i64, out: &mut Out) {
        let id = take(&mut out.ids.claim);
        out.rows.claims.push(rows::Claim {
            id,
            token_id,
            hash: secrets::hash(&self.key.derive(Purpose::DownloadClaim, id, 0)),
            browser_hash: bought.browser_hash.to_owned(),
            created_at: bought.at,
            expires_at: bought.at + TimeDelta::hours(self.policy.claim_hours.into()),
            format: Some(bought.title.format.as_str()),
        });
        let claimed = rows::Log { claim_id: Some(id), ..self.entry(random, token_id, bought.at) };
        let broken = random.chance(30);
        let bytes = if broken { bought.title.file_bytes / 3 } else { bought.title.file_bytes };
        let sent = rows::Log {
            book_file_id: Some(bought.title.file_id),
            at: bought.at + TimeDelta::seconds(random.between(1, 60)),
            status: 200,
            bytes,
            reason: if broken { "broken off" } else { "complete" },
            ..claimed.clone()
        };
        out.log(claimed);
        out.log(sent);
        out.rows.quotas.push(rows::Quota { claim_id: id, book_file_id: bought.title.file_id, bytes });
    }

    /// The log's entry of a claim that was granted, from one of the networks that are set aside for documentation
    /// (RFC 5737, RFC 3849).
    fn entry(&self, random: &mut Random, token_id: i64, at: NaiveDateTime) -> rows::Log {
        let ip_prefix = match random.below(10) {
            0 => "192.0.2.0/24".to_owned(),
            1 => "198.51.100.0/24".to_owned(),
            2 => "203.0.113.0/24".to_owned(),
            _ => format!("2001:db8:{:x}::/48", random.between(1, 0xffff)),
        };
        rows::Log {
            id: 0,
            token_id,
            claim_id: None,
            book_file_id: None,
            at,
            ip_prefix,
            user_agent: random.pick(&self.words.agents).copied().unwrap_or_default(),
            status: 303,
            bytes: 0,
            reason: "claimed",
        }
    }
}
