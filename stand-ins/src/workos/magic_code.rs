//! Magic codes: six digits by e-mail, valid for ten minutes and one sign-in.
//! <https://workos.com/docs/reference/authkit/magic-auth>

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::{identifier, refusal::Refusal};

/// The lifetime of a magic code, in seconds.
pub const MAGIC_CODE_SECONDS: u64 = 10 * 60;

/// The number of wrong guesses that invalidate a magic code. WorkOS has such a limit
/// (`one_time_code_too_many_attempts`) but does not document its value.
pub const MAGIC_CODE_GUESSES: u32 = 5;

/// An issued magic code.
#[derive(Clone, Debug)]
pub(super) struct MagicCode {
    id: String,
    user_id: String,
    email: String,
    pub(super) digits: String,
    created_at: u64,
    expires_at: u64,
    wrong_guesses: u32,
    is_used: bool,
}

impl MagicCode {
    /// The `MagicAuth` object.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "object": "magic_auth",
            "id": self.id,
            "user_id": self.user_id,
            "email": self.email,
            "code": self.digits,
            "expires_at": identifier::timestamp(self.expires_at),
            "created_at": identifier::timestamp(self.created_at),
            "updated_at": identifier::timestamp(self.created_at),
        })
    }
}

/// The magic codes by address. A new one replaces the previous one.
#[derive(Debug, Default)]
pub(super) struct MagicCodes(HashMap<String, MagicCode>);

impl MagicCodes {
    pub(super) fn issue(&mut self, user_id: &str, email: &str, now: u64) -> &MagicCode {
        let code = MagicCode {
            id: identifier::new("magic_auth"),
            user_id: user_id.to_owned(),
            email: email.to_owned(),
            digits: identifier::new_digits(),
            created_at: now,
            expires_at: now + MAGIC_CODE_SECONDS,
            wrong_guesses: 0,
            is_used: false,
        };
        self.0.entry(email.to_owned()).insert_entry(code).into_mut()
    }

    /// Redeems a code, and returns its user's id.
    pub(super) fn redeem(
        &mut self,
        email: &str,
        digits: &str,
        now: u64,
    ) -> Result<String, Refusal> {
        let code = self.0.get_mut(email).ok_or_else(Refusal::invalid_one_time_code)?;
        if code.wrong_guesses >= MAGIC_CODE_GUESSES {
            return Err(Refusal::too_many_attempts());
        }
        if code.digits != digits {
            code.wrong_guesses += 1;
            return Err(Refusal::invalid_one_time_code());
        }
        if code.is_used {
            return Err(Refusal::used_one_time_code());
        }
        if code.expires_at <= now {
            return Err(Refusal::expired_one_time_code());
        }
        code.is_used = true;
        Ok(code.user_id.clone())
    }

    pub(super) fn latest_for(&self, email: &str) -> Option<&MagicCode> {
        self.0.get(email)
    }

    pub(super) fn expire_all(&mut self) {
        self.0.values_mut().for_each(|code| code.expires_at = 0);
    }
}

/// The rate limits per address and minute.
/// <https://workos.com/docs/reference/rate-limits>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Limit {
    /// Sending a code.
    Send,
    /// Guessing a code.
    Authenticate,
}

impl Limit {
    const SECONDS: u64 = 60;

    const fn requests(self) -> usize {
        match self {
            Self::Send => 3,
            Self::Authenticate => 10,
        }
    }
}

/// The times of requests, by address and limit.
#[derive(Debug, Default)]
pub(super) struct Limits {
    asked_at: HashMap<(Limit, String), VecDeque<u64>>,
    pub(super) are_lifted: bool,
}

impl Limits {
    pub(super) fn check(&mut self, limit: Limit, email: &str, now: u64) -> Result<(), Refusal> {
        if self.are_lifted {
            return Ok(());
        }
        let times = self.asked_at.entry((limit, email.to_owned())).or_default();
        times.retain(|time| time + Limit::SECONDS > now);
        match times.front() {
            Some(first) if times.len() >= limit.requests() => {
                Err(Refusal::rate_limited(Some(first + Limit::SECONDS - now)))
            }
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "jane@example.com";

    #[test]
    fn a_minute_later_an_address_may_ask_again() {
        let mut limits = Limits::default();
        for second in [100, 110, 120] {
            assert!(limits.check(Limit::Send, EMAIL, second).is_ok());
        }
        assert!(limits.check(Limit::Send, EMAIL, 159).is_err());
        assert!(limits.check(Limit::Authenticate, EMAIL, 159).is_ok(), "that is counted apart");
        assert!(limits.check(Limit::Send, "sam@example.com", 159).is_ok());
        assert!(limits.check(Limit::Send, EMAIL, 160).is_ok());
        assert!(limits.check(Limit::Send, EMAIL, 161).is_err());
    }

    #[test]
    fn a_code_counts_for_ten_minutes() {
        let mut codes = MagicCodes::default();
        let digits = codes.issue("user_1", EMAIL, 1000).digits.clone();
        assert!(codes.redeem(EMAIL, &digits, 1600).is_err());
        assert_eq!(codes.redeem(EMAIL, &digits, 1599).expect("in time"), "user_1");
    }
}
