//! What `docs/api.md` says about a request whose provider fails: "How provider errors map to ours",
//! "`session`", and the rules of `start-recording` and `stop-recording`.

use std::ops::RangeInclusive;

use anteroom_security::scenario::{Call, Kind, Provider, Scenario, Way};
use anteroom_testing::Identity;

use crate::trouble::Trouble;

/// The answer to a request during a failure.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The statuses that are right. There are several if it depends on the order in which the two ends
    /// see a connection end.
    pub(crate) statuses: Vec<u64>,
    /// Whether the provider's wait is passed on.
    pub(crate) waits: bool,
    /// Whether a session was refreshed before, so that its cookie has to be sent in any case.
    pub(crate) sends_cookie: bool,
    /// How many requests of this call reach the provider.
    pub(crate) calls: RangeInclusive<usize>,
}

const DOWN: u64 = 503;
const NONSENSE: u64 = 502;
const LIMITED: u64 = 429;

/// Never, once, or once more on a new connection.
const NEVER: RangeInclusive<usize> = 0..=0;
const ONCE: RangeInclusive<usize> = 1..=1;
const TWICE: RangeInclusive<usize> = 2..=2;
const ONCE_OR_TWICE: RangeInclusive<usize> = 1..=2;

/// As often as there is time for.
const OFTEN: RangeInclusive<usize> = 2..=20;

impl Expected {
    /// The contract's answer.
    pub(crate) fn of(scenario: &Scenario, call: &Call, trouble: Trouble) -> Self {
        let success = scenario.success();
        let depends = match call.kind {
            Kind::EarlyRefresh => false,
            // A genuine cookie signs out even if its token cannot be verified.
            Kind::Keys => scenario.function != "sign-out",
            _ => true,
        };
        let statuses = if depends { statuses(scenario, call, trouble) } else { vec![success] };
        Self {
            statuses,
            waits: trouble == Trouble::OwnLimit
                && depends
                && call.provider != Provider::SecretsManager,
            sends_cookie: scenario.way == Way::Due && is_after_refresh(scenario, call),
            calls: match (call.kind, trouble) {
                // They were there from the start.
                (Kind::Keys | Kind::Secrets, Trouble::ResetAfter) => NEVER,
                // The call may be one of several, which end the same way.
                (Kind::Repeatable, Trouble::ResetAfter) => 1..=20,
                (kind, trouble) => calls(kind, trouble),
            },
        }
    }
}

fn is_after_refresh(scenario: &Scenario, call: &Call) -> bool {
    let mut before = scenario.calls.iter().take_while(|other| *other != call);
    scenario.calls.contains(call) && before.any(|other| other.kind == Kind::Refresh)
}

fn statuses(scenario: &Scenario, call: &Call, trouble: Trouble) -> Vec<u64> {
    let success = scenario.success();
    match (call.kind, trouble) {
        // The next call may meet the end of the connection on its way. It is not repeated then.
        (_, Trouble::ResetAfter) if is_followed_by_single(scenario, call) => vec![success, DOWN],
        (_, Trouble::ResetAfter | Trouble::HalfOpen)
        // LiveKit has started or stopped the recording, and its list says so.
        | (Kind::Start, Trouble::ResetMiddle | Trouble::TruncatedTls | Trouble::Drip)
        | (Kind::Stop, Trouble::ResetMiddle | Trouble::TruncatedTls) => vec![success],
        // Likewise, if there is time left to look.
        (Kind::Stop, Trouble::Drip) => vec![success, DOWN],
        (Kind::OncePerCaller, Trouble::OwnLimit) => vec![LIMITED],
        (_, Trouble::Garbage | Trouble::Redirect) if is_nonsense(scenario, call, trouble) => {
            vec![NONSENSE]
        }
        _ => vec![DOWN],
    }
}

/// Whether an unusable answer is reported as one. Otherwise it means that something cannot be determined:
/// whether somebody is signed in, or what the secrets are.
fn is_nonsense(scenario: &Scenario, call: &Call, trouble: Trouble) -> bool {
    match call.kind {
        Kind::Secrets => false,
        Kind::Refresh => trouble != Trouble::Garbage,
        Kind::Keys => trouble != Trouble::Garbage || scenario.identity == Identity::Clerk,
        _ => true,
    }
}

fn is_followed_by_single(scenario: &Scenario, call: &Call) -> bool {
    let later = scenario.calls.iter().skip_while(|other| *other != call).skip(1);
    later.filter(|other| other.provider == call.provider).any(|other| other.kind.is_single())
}

fn calls(kind: Kind, trouble: Trouble) -> RangeInclusive<usize> {
    use Trouble::{
        Drip, Error, ForeignLimit, HalfOpen, Hang, RequestTimeout, ResetBefore, ResetMiddle,
        TruncatedTls, UnavailablePage,
    };
    let is_broken = matches!(trouble, ResetBefore | ResetMiddle | TruncatedTls | Hang | Drip);
    let may_pass =
        is_broken || matches!(trouble, RequestTimeout | ForeignLimit | Error | UnavailablePage);
    match kind {
        // Another call of the provider may have met the old connections.
        _ if trouble == HalfOpen => ONCE_OR_TWICE,
        _ if trouble.is_about_connections() => NEVER,
        Kind::Refresh if may_pass => OFTEN,
        // The first attempt may have used up much of the time.
        Kind::Keys | Kind::Stop if matches!(trouble, Hang | Drip) => ONCE_OR_TWICE,
        Kind::Repeatable | Kind::Keys | Kind::Stop if is_broken => TWICE,
        // The AWS SDK also repeats what it thinks may pass.
        Kind::EarlyRefresh | Kind::Event => ONCE_OR_TWICE,
        Kind::Secrets => 1..=20,
        _ => ONCE,
    }
}
