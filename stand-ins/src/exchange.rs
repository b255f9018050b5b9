//! Requests and responses.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version, header, request};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use serde_json::Value;
use tokio::time::Interval;

/// The largest request body that is read. No imitated provider accepts larger ones.
const LARGEST_BODY_BYTES: usize = 1024 * 1024;

/// The pause between two bytes of a body that drips.
const DRIP_PERIOD: Duration = Duration::from_millis(200);

/// A request to a stand-in.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path and the query as sent, separated by `?`.
    pub path_and_query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Request {
    pub(super) async fn read(request: http::Request<Incoming>) -> io::Result<Self> {
        let (request::Parts { method, uri, headers, .. }, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LARGEST_BODY_BYTES)
            .await
            .map_err(io::Error::other)?;
        let path_and_query = uri.path_and_query().map_or("/", |both| both.as_str()).to_owned();
        Ok(Self { method: method.to_string(), path_and_query, headers, body })
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The segments of the path: `["v1", "users", "user_1"]`.
    pub fn segments(&self) -> Vec<&str> {
        self.path().split('/').skip(1).collect()
    }

    /// The first query parameter with that name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.path_and_query.split_once('?')?.1;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A header's value, if it is present and valid text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The bearer token in the `Authorization` header.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A response of a stand-in.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    ending: Ending,
}

/// How a body ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Proper,
    /// The connection breaks in the middle.
    CutOff,
    /// The same, and no length was declared.
    CutShort,
    /// It comes a byte at a time, forever.
    Drip,
    /// It is repeated forever.
    Never,
}

impl Answer {
    /// A JSON response. An invalid status becomes 500.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A text response of the given media type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self::bytes(status, content_type, body.into().into_bytes())
    }

    /// A binary response of the given media type.
    pub fn bytes(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body,
            ending: Ending::Proper,
        }
    }

    /// A copy with one more header; an invalid value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// A copy with edited JSON, if it is a successful JSON response.
    #[must_use]
    pub(super) fn edited(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        if self.status.is_success()
            && let Ok(mut value) = serde_json::from_slice(&self.body)
        {
            edit(&mut value);
            self.body = value.to_string().into_bytes();
        }
        self
    }

    /// A copy whose connection breaks in the middle of the body.
    #[must_use]
    pub fn cut_off(mut self) -> Self {
        self.ending = Ending::CutOff;
        self
    }

    /// A copy whose connection breaks in the middle of the body, whose length was not declared.
    #[must_use]
    pub fn cut_short(mut self) -> Self {
        self.ending = Ending::CutShort;
        self
    }

    /// A copy whose body comes a byte at a time, for as long as the client reads.
    #[must_use]
    pub fn dripping(mut self) -> Self {
        self.ending = Ending::Drip;
        self
    }

    /// A copy whose body is repeated for as long as the client reads.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.ending = Ending::Never;
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let length = self.body.len();
        let body = match self.ending {
            Ending::Proper => Body::from(self.body),
            Ending::CutOff | Ending::CutShort => {
                Body::new(CutOff::after(self.body[..length / 2].to_vec()))
            }
            Ending::Drip => Body::new(Drip(tokio::time::interval(DRIP_PERIOD))),
            Ending::Never => Body::new(Endless(Bytes::from(self.body))),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if matches!(self.ending, Ending::CutShort) {
            // HTTP/1.0 has no chunks: the body ends with the connection.
            *response.version_mut() = Version::HTTP_10;
        }
        if matches!(self.ending, Ending::Proper | Ending::CutOff) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

/// A body that yields the same chunk forever.
struct Endless(Bytes);

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Ok(Frame::data(self.0.clone()))))
    }
}

/// A body that yields a space per period, which JSON and XML allow before a document.
struct Drip(Interval);

impl HttpBody for Drip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = self.0.poll_tick(context);
        next.map(|_| Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

/// A body that yields one chunk and then fails, which closes the connection.
enum CutOff {
    Part(Bytes),
    /// The server flushes when a body is not ready to yield more.
    Pause,
    End,
}

impl CutOff {
    fn after(part: Vec<u8>) -> Self {
        Self::Part(Bytes::from(part))
    }
}

impl HttpBody for CutOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match std::mem::replace(&mut *self, Self::End) {
            Self::Part(part) => {
                *self = Self::Pause;
                Poll::Ready(Some(Ok(Frame::data(part))))
            }
            Self::Pause => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::End => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }
}
