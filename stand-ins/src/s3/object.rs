//! Objects, and what a request reads of them.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use http::{HeaderName, header};
use time::OffsetDateTime;

use super::Refusal;
use crate::{
    aws::sha256,
    exchange::{Answer, Request},
};

/// An object in the bucket.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) body: Vec<u8>,
    pub(super) metadata: BTreeMap<String, String>,
    /// In Unix seconds.
    pub(super) changed: u64,
}

impl Stored {
    /// The object, or the range of it that is asked for. Browsers ask for ranges of a film.
    pub(super) fn answer(
        &self,
        request: &Request,
        query: &[(String, String)],
    ) -> Result<Answer, Refusal> {
        let length = self.body.len();
        let range = request.header("range").and_then(|range| read_range(range, length));
        let (status, part) = match range {
            None => (200, &self.body[..]),
            Some(Err(())) => {
                let message = "The requested range is not satisfiable";
                return Err(Refusal::new(416, "InvalidRange", message));
            }
            Some(Ok((first, last))) => (206, &self.body[first..=last]),
        };
        let changed = UNIX_EPOCH + Duration::from_secs(self.changed);
        let mut answer = Answer::bytes(status, "binary/octet-stream", part.to_vec())
            .with_header(header::LAST_MODIFIED, &httpdate::fmt_http_date(changed))
            .with_header(header::ETAG, &self.etag())
            .with_header(header::ACCEPT_RANGES, "bytes");
        let content_type = query.iter().find(|(name, _)| name == "response-content-type");
        if let Some((_, content_type)) = content_type {
            answer = answer.with_header(header::CONTENT_TYPE, content_type);
        }
        if let Some(Ok((first, last))) = range {
            let range = format!("bytes {first}-{last}/{length}");
            answer = answer.with_header(header::CONTENT_RANGE, &range);
        }
        for (name, value) in &self.metadata {
            if let Ok(name) = HeaderName::try_from(format!("x-amz-meta-{name}")) {
                answer = answer.with_header(name, value);
            }
        }
        Ok(answer)
    }

    /// A digest of the body, in quotes.
    pub(super) fn etag(&self) -> String {
        format!("\"{}\"", &sha256(&self.body)[..32])
    }

    /// `2026-01-02T03:04:05.000Z`
    pub(super) fn changed_in_iso_8601(&self) -> String {
        let seconds = i64::try_from(self.changed).unwrap_or_default();
        let moment = OffsetDateTime::from_unix_timestamp(seconds);
        let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        let month = u8::from(month);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
    }
}

/// The first and the last byte of a range. `None` if it is to be ignored, an error if it is outside.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2>
fn read_range(range: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1);
    let range = match (first, last) {
        ("", count) => (length.saturating_sub(count.parse().ok()?), usize::MAX),
        (first, "") => (first.parse().ok()?, usize::MAX),
        (first, last) => (first.parse().ok()?, last.parse().ok()?),
    };
    Some(match end {
        Some(end) if range.0 <= end && range.0 <= range.1 => Ok((range.0, range.1.min(end))),
        _ => Err(()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_range_and_ignores_what_it_does_not_know() {
        for (range, expected) in [
            ("bytes=0-1", Some(Ok((0, 1)))),
            ("bytes=2-", Some(Ok((2, 9)))),
            ("bytes=-3", Some(Ok((7, 9)))),
            ("bytes=5-100", Some(Ok((5, 9)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=3-2", Some(Err(()))),
            ("bytes=a-b", None),
            ("items=0-1", None),
            ("bytes=0-1,3-4", None),
        ] {
            assert_eq!(read_range(range, 10), expected, "{range}");
        }
    }
}
