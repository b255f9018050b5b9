//! Puts events on an Amazon EventBridge bus.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use std::fmt;
use std::time::Duration;

use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::operation::put_events::{PutEventsError, PutEventsOutput};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use http::StatusCode;

use crate::api::ApiError;
use crate::aws;
use crate::clock::{Clock, Timestamp};
use crate::http::SendError;
use crate::metrics;
use crate::provider::{self, Failure, ProviderError};
use crate::request_scope;
use crate::settings::{Incomplete, Settings};

/// The longest event that EventBridge accepts: source, type and content together.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-size-determine-limit>
const MAX_EVENT_BYTES: usize = 256 * 1024;

/// The longest detail type that EventBridge accepts, in characters.
pub(crate) const MAX_KIND: usize = 128;

/// The longest name or ARN of a bus (the API reference above).
const MAX_NAME: usize = 1600;

/// Timeout for an event, including the retry. Two attempts of the shared client fit.
const PUT_TIMEOUT: Duration = Duration::from_millis(8_500);

const NAME: &str = "eventbridge";

/// An event for a bus. It may be personal, so `Debug` prints only its source and type.
pub struct BusEvent {
    /// Who sends it: `anteroom.livekit`.
    pub source: &'static str,
    /// EventBridge's detail type: up to 128 characters.
    pub kind: String,
    /// A JSON object.
    pub detail: String,
}

impl fmt::Debug for BusEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, kind, .. } = self;
        let mut event = formatter.debug_struct("BusEvent");
        event.field("source", source).field("kind", kind).finish_non_exhaustive()
    }
}

/// A client for one bus.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: aws_sdk_eventbridge::Client,
    name: String,
    clock: Clock,
}

impl EventBus {
    /// Reads `EVENT_BUS_NAME`, the name or the ARN of a bus, and Lambda's own variables for AWS.
    /// `AWS_ENDPOINT_URL_EVENTBRIDGE` or `AWS_ENDPOINT_URL` may replace EventBridge's address.
    pub fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let name = read_name(settings);
        let access = settings.aws_access("AWS_ENDPOINT_URL_EVENTBRIDGE");
        let (client, clock) = (aws::sdk_client!(aws_sdk_eventbridge, access?), settings.clock());
        Ok(Self { client, name: name?, clock })
    }

    /// Puts an event on the bus. A retry may put it there twice, and EventBridge itself may deliver
    /// it twice, so readers must compare an id in its content.
    ///
    /// # Errors
    /// 413 if the event is too long for EventBridge, 502 if EventBridge rejects us, the bus or the
    /// event, 503 if it is down, slow or rate-limiting us.
    pub async fn put(&self, event: BusEvent) -> Result<(), ApiError> {
        if event.source.len() + event.kind.len() + event.detail.len() > MAX_EVENT_BYTES {
            return Err(ApiError::payload_too_large(MAX_EVENT_BYTES));
        }
        let began = self.clock.now();
        let left = request_scope::time_left(began).unwrap_or(PUT_TIMEOUT);
        // Boxed, because the SDK's future is large.
        let call = Box::pin(self.send(event));
        let result = match tokio::time::timeout(left.min(PUT_TIMEOUT), call).await {
            Ok(result) => result,
            Err(_) => Err((None, Failure::Unanswered(SendError::TimedOut))),
        };
        let now = self.clock.now();
        let took = now.since(began);
        let outcome = result.as_ref().err().map_or("ok", |(_, failure)| failure.outcome());
        metrics::called(NAME, outcome, took, now);
        let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
        let (code, failure) = match &result {
            Ok(()) => (None, None),
            Err((code, failure)) => (code.as_deref(), Some(tracing::field::display(failure))),
        };
        tracing::info!(provider = NAME, call = "PutEvents", code, failure, ms, "provider call");
        result.map_err(|(_, failure)| {
            ProviderError { provider: NAME, call: "PutEvents", failure }.into()
        })
    }

    async fn send(&self, event: BusEvent) -> Result<(), Refusal> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(event.source)
            .detail_type(event.kind)
            .detail(event.detail)
            .build();
        match self.client.put_events().entries(entry).send().await {
            Ok(output) => accepted(&output),
            Err(error) => Err(refusal(&error, self.clock.now())),
        }
    }
}

/// EventBridge's code, if it sent one, and what it means.
type Refusal = (Option<String>, Failure);

/// Whether EventBridge has accepted the only event of a call. Its status is 200 even if it has not.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html>
fn accepted(output: &PutEventsOutput) -> Result<(), Refusal> {
    let [entry] = output.entries() else {
        return Err((None, Failure::Unreadable("it is not about one event")));
    };
    match entry.error_code() {
        Some(code) => Err(refusal_with(code, StatusCode::OK, None)),
        None if output.failed_entry_count() != 0 || entry.event_id().is_none() => {
            Err((None, Failure::Unreadable("it has neither an id nor an error")))
        }
        None => Ok(()),
    }
}

fn refusal(error: &SdkError<PutEventsError>, now: Timestamp) -> Refusal {
    let SdkError::ServiceError(refusal) = error else {
        let unanswered = aws::unanswered(error);
        return match error {
            // A success that the SDK cannot read.
            SdkError::ResponseError(response) if response.raw().status().is_success() => {
                (None, Failure::Unreadable(unanswered))
            }
            _ => (None, Failure::Unreachable(unanswered)),
        };
    };
    let status = StatusCode::from_u16(refusal.raw().status().as_u16());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = refusal.raw().headers().get("retry-after");
    let retry_after = retry_after.and_then(|value| provider::retry_after(value, now));
    match refusal.err().code() {
        Some(code) => refusal_with(code, status, retry_after),
        None => (None, failure_of(status, retry_after)),
    }
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html>
fn refusal_with(code: &str, status: StatusCode, retry_after: Option<Duration>) -> Refusal {
    let failure = match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => Failure::Limiting { retry_after },
        "InternalFailure" | "InternalException" | "InternalServiceError" | "ServiceUnavailable" => {
            let status =
                if status.is_success() { StatusCode::INTERNAL_SERVER_ERROR } else { status };
            Failure::Failing { status, retry_after }
        }
        "AccessDeniedException"
        | "NotAuthorized"
        | "NotAuthorizedForSourceException"
        | "NotAuthorizedForDetailTypeException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "ExpiredTokenException" => Failure::KeyRefused(status),
        _ => failure_of(status, retry_after),
    };
    // The code is AWS's own word; the message may quote the event.
    (Some(code.chars().take(64).collect()), failure)
}

fn failure_of(status: StatusCode, retry_after: Option<Duration>) -> Failure {
    if status == StatusCode::TOO_MANY_REQUESTS {
        Failure::Limiting { retry_after }
    } else if status.is_server_error() {
        Failure::Failing { status, retry_after }
    } else {
        Failure::Unexpected(status)
    }
}

/// A name, or an ARN in our own region: EventBridge accepts no event for a bus in another.
fn read_name(settings: &mut Settings) -> Result<String, Incomplete> {
    let name = settings.text("EVENT_BUS_NAME")?;
    if !is_bus(&name) {
        return Err(settings.problem("EVENT_BUS_NAME is not the name or the ARN of an event bus"));
    }
    let region = name.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
    if region.is_some_and(|region| settings.optional("AWS_REGION") != Some(region)) {
        return Err(settings.problem("EVENT_BUS_NAME is the ARN of a bus in another region"));
    }
    Ok(name)
}

fn is_bus(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
    };
    if text.len() > MAX_NAME {
        return false;
    }
    match text.split(':').collect::<Vec<_>>()[..] {
        [name] => is_name(name),
        ["arn", partition, "events", region, account, bus] => {
            partition.starts_with("aws")
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && bus.strip_prefix("event-bus/").is_some_and(is_name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eventbridge::types::PutEventsResultEntry;

    use super::*;

    #[test]
    fn a_bus_has_a_name_or_an_arn() {
        for (text, good) in [
            ("default", true),
            ("my.bus/of-one_2", true),
            ("arn:aws:events:eu-central-1:123456789012:event-bus/my-bus", true),
            ("arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/default", true),
            ("", false),
            ("my bus", false),
            ("my-bus,other", false),
            ("arn:aws:events:eu-central-1:123456789012:rule/my-rule", false),
            ("arn:aws:events:eu-central-1:12345678901:event-bus/my-bus", false),
            ("arn:aws:sqs:eu-central-1:123456789012:event-bus/my-bus", false),
            ("arn:aws:events:eu-central-1:123456789012:event-bus/", false),
            ("https://events.eu-central-1.amazonaws.com", false),
        ] {
            assert_eq!(is_bus(text), good, "{text}");
        }
        assert!(!is_bus(&"x".repeat(MAX_NAME + 1)));
    }

    #[test]
    fn refuses_a_bus_in_another_region() {
        for (name, good) in [
            ("rooms", true),
            ("arn:aws:events:eu-central-1:123456789012:event-bus/rooms", true),
            ("arn:aws:events:us-east-1:123456789012:event-bus/rooms", false),
        ] {
            let pairs = [("EVENT_BUS_NAME", name), ("AWS_REGION", "eu-central-1")];
            let mut settings = Settings::from_pairs(pairs, Clock::fixed(0)).expect("settings");
            assert_eq!(read_name(&mut settings).is_ok(), good, "{name}");
        }
    }

    fn output(failed: i32, entries: &[PutEventsResultEntry]) -> PutEventsOutput {
        PutEventsOutput::builder()
            .failed_entry_count(failed)
            .set_entries(Some(entries.to_vec()))
            .build()
    }

    #[test]
    fn an_event_that_was_not_accepted_is_a_failure_although_the_status_is_200() {
        let entry = PutEventsResultEntry::builder;
        let good = entry().event_id("11710aed-b79e-4468-a20b-bb3c0c3b4860").build();
        assert_eq!(accepted(&output(0, std::slice::from_ref(&good))), Ok(()));
        let limiting = Failure::Limiting { retry_after: None };
        let failing =
            Failure::Failing { status: StatusCode::INTERNAL_SERVER_ERROR, retry_after: None };
        for (code, expected) in [
            ("ThrottlingException", limiting),
            ("InternalFailure", failing.clone()),
            ("InternalException", failing),
            ("AccessDeniedException", Failure::KeyRefused(StatusCode::OK)),
            ("NotAuthorizedForSourceException", Failure::KeyRefused(StatusCode::OK)),
            ("InvalidArgument", Failure::Unexpected(StatusCode::OK)),
            ("MalformedDetail", Failure::Unexpected(StatusCode::OK)),
            ("OfNextYear", Failure::Unexpected(StatusCode::OK)),
        ] {
            let entry = entry().error_code(code).error_message("it quotes the event").build();
            let refused = Err((Some(code.to_owned()), expected));
            assert_eq!(accepted(&output(1, &[entry])), refused);
        }
        for nonsense in [
            output(0, &[]),
            output(0, &[good.clone(), good.clone()]),
            output(1, &[good]),
            output(0, &[entry().build()]),
        ] {
            let refusal = accepted(&nonsense).expect_err("nonsense");
            assert!(matches!(refusal, (None, Failure::Unreadable(_))), "{refusal:?}");
        }
    }

    #[test]
    fn prints_nothing_of_an_events_content() {
        let kind = "room_started".to_owned();
        let event = BusEvent { source: "anteroom.livekit", kind, detail: "secret".to_owned() };
        let printed = format!("{event:?}");
        assert!(printed.contains("room_started") && !printed.contains("secret"), "{printed}");
    }
}
