//! Twirp as LiveKit's server implements it: calls, the encoding of messages, and errors.
//! <https://twitchtv.github.io/twirp/docs/spec_v7.html>

use std::time::Duration;

use prost::Message;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::proto_json;
use crate::exchange::{Answer, Request};

/// The media type that Go's HTTP server gives plain text.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// A plain-text response, as from the parts of the server outside Twirp.
pub(super) fn plain(status: u16, text: impl Into<String>) -> Answer {
    Answer::new(status, PLAIN_TEXT, text)
}

/// A method call whose message has not been read yet.
pub(super) struct Call<'a> {
    /// `Egress`, `RoomService`.
    pub(super) service: &'a str,
    /// `StopEgress`.
    pub(super) method: &'a str,
    request: &'a Request,
}

#[derive(Clone, Copy)]
enum Encoding {
    Json,
    Protobuf,
}

impl<'a> Call<'a> {
    /// Finds the called method among `services`.
    pub(super) fn of(request: &'a Request, services: &[&str]) -> Result<Self, Refusal> {
        let path = request.path();
        let place = path.strip_prefix("/twirp/livekit.").and_then(|rest| rest.split_once('/'));
        let Some((service, method)) = place.filter(|(service, _)| services.contains(service))
        else {
            return Err(Refusal::no_such_page());
        };
        if request.method != "POST" {
            let problem = format!("unsupported method {:?} (only POST is allowed)", request.method);
            return Err(Refusal::bad_route(&problem, request));
        }
        Ok(Self { service, method, request })
    }

    /// Reads the message, handles it, and writes the response in the same encoding.
    pub(super) fn answer<I, O>(
        &self,
        handle: impl FnOnce(I) -> Result<O, Refusal>,
    ) -> Result<Answer, Refusal>
    where
        I: Message + Default + DeserializeOwned,
        O: Message + Serialize,
    {
        let encoding = self.encoding()?;
        let output = handle(self.read(encoding)?)?;
        Ok(match encoding {
            Encoding::Json => Answer::json(200, &json!(output)),
            Encoding::Protobuf => {
                Answer::bytes(200, "application/protobuf", output.encode_to_vec())
            }
        })
    }

    /// The error for a method that the service does not have.
    pub(super) fn no_such_method(&self) -> Refusal {
        let problem = format!("no handler for path {:?}", self.request.path());
        Refusal::bad_route(&problem, self.request)
    }

    fn read<I: Message + Default + DeserializeOwned>(
        &self,
        encoding: Encoding,
    ) -> Result<I, Refusal> {
        let (message, problem) = match encoding {
            Encoding::Json => {
                (proto_json::read(&self.request.body), "the json request could not be decoded")
            }
            Encoding::Protobuf => (
                I::decode(&self.request.body[..]).ok(),
                "the protobuf request could not be decoded",
            ),
        };
        message.ok_or_else(|| Refusal::new(Code::Malformed, problem))
    }

    fn encoding(&self) -> Result<Encoding, Refusal> {
        let header = self.request.header("content-type").unwrap_or_default();
        let media_type = header.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => Ok(Encoding::Json),
            "application/protobuf" => Ok(Encoding::Protobuf),
            _ => {
                let problem = format!("unexpected Content-Type: {header:?}");
                Err(Refusal::bad_route(&problem, self.request))
            }
        }
    }
}

/// The Twirp error codes that occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadRoute,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    Malformed,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
}

impl Code {
    const fn name(self) -> &'static str {
        match self {
            Self::BadRoute => "bad_route",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::FailedPrecondition => "failed_precondition",
            Self::Internal => "internal",
            Self::InvalidArgument => "invalid_argument",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Unimplemented => "unimplemented",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::BadRoute | Self::NotFound => 404,
            Self::DeadlineExceeded => 408,
            Self::FailedPrecondition => 412,
            Self::ResourceExhausted => 429,
            Self::Internal => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
        }
    }
}

/// An error response.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    content_type: &'static str,
    text: String,
    /// How long the server takes to send it.
    pub(super) after: Duration,
}

impl Refusal {
    /// Twirp's error body.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self::json(code.status(), &json!({"code": code.name(), "msg": message.into()}))
    }

    /// An error that reaches Twirp from inside the server or from the recorder. The server wraps
    /// its text in a prefix that contradicts the code, and clients see that.
    pub(super) fn from_inside(code: Code, message: &str) -> Self {
        Self::new(code, format!("twirp error unknown: {message}"))
    }

    /// An invalid argument, with the argument's name.
    pub(super) fn of_argument(argument: &str, problem: &str) -> Self {
        let code = Code::InvalidArgument;
        let message = format!("{argument} {problem}");
        let meta = json!({"argument": argument});
        Self::json(code.status(), &json!({"code": code.name(), "msg": message, "meta": meta}))
    }

    /// Plain text.
    pub(super) fn plain(status: u16, text: impl Into<String>) -> Self {
        Self { status, content_type: PLAIN_TEXT, text: text.into(), after: Duration::ZERO }
    }

    /// The error for an unknown path.
    pub(super) fn no_such_page() -> Self {
        Self::plain(404, "404 page not found\n")
    }

    fn bad_route(problem: &str, request: &Request) -> Self {
        let code = Code::BadRoute;
        let route = format!("{} {}", request.method, request.path());
        let meta = json!({"twirp_invalid_route": route});
        Self::json(code.status(), &json!({"code": code.name(), "msg": problem, "meta": meta}))
    }

    fn json(status: u16, body: &Value) -> Self {
        let text = body.to_string();
        Self { status, content_type: "application/json", text, after: Duration::ZERO }
    }

    /// The same, delayed.
    pub(super) fn after(self, delay: Duration) -> Self {
        Self { after: delay, ..self }
    }

    /// A copy with another status.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn into_answer(self) -> Answer {
        Answer::new(self.status, self.content_type, self.text)
    }

    pub(super) fn into_status_and_text(self) -> (u16, String) {
        (self.status, self.text)
    }
}
