//! [`Trouble`]: the ways in which a provider can fail.

use std::time::Duration;

use anteroom_security::scenario::{Call, Kind};
use anteroom_security::world::World;
use anteroom_stand_ins::faults::{Fault, Moment};
use anteroom_stand_ins::server::Certificate;

/// The wait that a provider asks for, in seconds. No request has that much time left.
pub(crate) const WAIT: &str = "9";

/// Longer than any request may take.
const FOREVER: Duration = Duration::from_mins(2);

/// A page of something in front of a provider.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Sorry</title></head></html>";

/// A failure of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Refused,
    ResetBefore,
    ResetMiddle,
    ResetAfter,
    RequestTimeout,
    OwnLimit,
    ForeignLimit,
    Error,
    UnavailablePage,
    Hang,
    Drip,
    Garbage,
    Redirect,
    TruncatedTls,
    ExpiredCertificate,
    OtherName,
    UntrustedCertificate,
    HalfOpen,
}

use Trouble::{
    Drip, Error, ExpiredCertificate, ForeignLimit, Garbage, HalfOpen, Hang, OtherName, OwnLimit,
    Redirect, Refused, RequestTimeout, ResetAfter, ResetBefore, ResetMiddle, TruncatedTls,
    UnavailablePage, UntrustedCertificate,
};

impl Trouble {
    /// All of them.
    pub(crate) const ALL: [Self; 18] = [
        Refused,
        ResetBefore,
        ResetMiddle,
        ResetAfter,
        RequestTimeout,
        OwnLimit,
        ForeignLimit,
        Error,
        UnavailablePage,
        Hang,
        Drip,
        Garbage,
        Redirect,
        TruncatedTls,
        ExpiredCertificate,
        OtherName,
        UntrustedCertificate,
        HalfOpen,
    ];

    /// Its name in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Refused => "connection refused",
            ResetBefore => "reset before the response",
            ResetMiddle => "reset in the middle of the body",
            ResetAfter => "reset after the body",
            RequestTimeout => "408",
            OwnLimit => "its own rate limit, Retry-After: 9",
            ForeignLimit => "429, a page in front of it",
            Error => "500",
            UnavailablePage => "503, an HTML page",
            Hang => "hangs",
            Drip => "a byte at a time",
            Garbage => "200, not JSON",
            Redirect => "307",
            TruncatedTls => "TLS truncated",
            ExpiredCertificate => "expired certificate",
            OtherName => "another host's certificate",
            UntrustedCertificate => "untrusted certificate",
            HalfOpen => "half-open after a pause",
        }
    }

    /// Whether it needs a provider that speaks TLS.
    pub(crate) fn is_about_tls(self) -> bool {
        matches!(self, TruncatedTls | ExpiredCertificate | OtherName | UntrustedCertificate)
    }

    /// Whether it befalls connections, and so all calls of the provider alike.
    pub(crate) fn is_about_connections(self) -> bool {
        self.certificate().is_some() || matches!(self, Refused | HalfOpen)
    }

    /// Whether a request waits for its own timeouts then.
    pub(crate) fn takes_long(self) -> bool {
        matches!(self, Hang | Drip | HalfOpen)
    }

    fn certificate(self) -> Option<Certificate> {
        match self {
            ExpiredCertificate => Some(Certificate::Expired),
            OtherName => Some(Certificate::OtherName),
            UntrustedCertificate => Some(Certificate::Untrusted),
            _ => None,
        }
    }

    fn fault(self) -> Option<Fault> {
        let between = |status, content_type, body| Fault::Between { status, content_type, body };
        Some(match self {
            ResetBefore => Fault::Reset(Moment::Before),
            ResetMiddle => Fault::Reset(Moment::Middle),
            ResetAfter => Fault::Reset(Moment::After),
            RequestTimeout => Fault::Failing(408),
            OwnLimit => Fault::Limiting { retry_after: WAIT.parse().ok() },
            ForeignLimit => between(429, "text/html; charset=UTF-8", PAGE),
            Error => Fault::Failing(500),
            UnavailablePage => between(503, "text/html", PAGE),
            Hang => Fault::Slow(FOREVER),
            Drip => Fault::Drip,
            Garbage => Fault::Garbage,
            Redirect => Fault::Redirect,
            TruncatedTls => Fault::CutShort,
            _ => return None,
        })
    }

    /// Lets it happen to a call.
    pub(crate) async fn begin(self, world: &World, call: &Call) {
        let provider = call.provider;
        if let Some(fault) = self.fault() {
            return world.inject(provider, fault.on(call.path));
        }
        match self.certificate() {
            Some(certificate) => world.present(provider, certificate).await,
            None if self == Refused => world.stop(provider).await,
            None => {
                // Longer than a connection may have been idle for a call that cannot be repeated.
                tokio::time::sleep(Duration::from_millis(1_200)).await;
                world.silence_connections(provider);
            }
        }
    }

    /// Ends it.
    pub(crate) async fn end(self, world: &World, call: &Call) {
        match self.certificate() {
            Some(_) => world.present(call.provider, Certificate::Valid).await,
            None if self == Refused => world.restart(call.provider).await,
            None => world.clear_faults(call.provider),
        }
    }

    /// Whether the provider has done what it was asked, although we may not have heard of it.
    pub(crate) fn is_carried_out(self) -> bool {
        matches!(self, ResetMiddle | ResetAfter | Drip | TruncatedTls | HalfOpen)
    }

    /// Whether the contract has a rule for it at this call.
    pub(crate) fn applies_to(self, call: &Call) -> bool {
        // A process that starts has no connections yet.
        self != HalfOpen || !matches!(call.kind, Kind::Keys | Kind::Secrets)
    }
}
