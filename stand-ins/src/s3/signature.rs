//! Signature Version 4, in the headers of a request or in its query.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>

use super::{REGION, Refusal};
use crate::{
    aws::{ALGORITHM, Keys, canonical_request, decode, sha256, signature},
    clock::parse_aws_date,
    exchange::Request,
};

/// The maximum clock difference of a request that is signed in its headers, in seconds.
const MOST_SKEW: u64 = 15 * 60;

/// The longest life of a link, in seconds: a week.
const LONGEST_LIFE: u64 = 604_800;

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The parts of a signature, wherever they are.
struct Signed {
    credential: String,
    date: String,
    headers: String,
    signature: String,
    session_token: Option<String>,
    digest: String,
    /// The life of a link, in seconds.
    life: Option<u64>,
}

/// The parameters of a request, decoded.
pub(super) fn query(request: &Request) -> Vec<(String, String)> {
    let query = request.path_and_query.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))).collect()
}

/// Checks the signature of a request at a time in Unix seconds.
pub(super) fn check(
    request: &Request,
    query: &[(String, String)],
    keys: &Keys,
    now: u64,
) -> Result<(), Refusal> {
    let in_query = query.iter().any(|(name, _)| name == "X-Amz-Algorithm");
    let signed = if in_query { Signed::in_query(query)? } else { Signed::in_headers(request)? };
    signed.check_time(now)?;
    let scope = signed.check_credential(keys, in_query)?;
    if signed.session_token != keys.session_token {
        let message = "The provided token is malformed or otherwise invalid.";
        return Err(Refusal::new(400, "InvalidToken", message));
    }
    signed.check_headers(request, in_query)?;
    if !in_query && signed.digest != sha256(&request.body) {
        let message =
            "The provided 'x-amz-content-sha256' header does not match what was computed.";
        return Err(Refusal::new(400, "XAmzContentSHA256Mismatch", message));
    }
    let query: Vec<_> = query.iter().filter(|(name, _)| name != "X-Amz-Signature").collect();
    let canonical = canonical_request(request, &query, &signed.headers, &signed.digest);
    if signature(&keys.secret, &signed.date, &scope, &canonical) == signed.signature {
        return Ok(());
    }
    let message = "The request signature we calculated does not match the signature you provided. \
                   Check your key and signing method.";
    Err(Refusal::new(403, "SignatureDoesNotMatch", message))
}

impl Signed {
    fn in_query(query: &[(String, String)]) -> Result<Self, Refusal> {
        let values = |name: &str| {
            let name = name.to_owned();
            query.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value.clone())
        };
        let value = |name: &str| {
            let missing = || {
                let message = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                               X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, \
                               and X-Amz-Expires parameters.";
                Refusal::new(400, "AuthorizationQueryParametersError", message)
            };
            let mut values = values(name);
            values.next().filter(|_| values.next().is_none()).ok_or_else(missing)
        };
        let life = value("X-Amz-Expires")?.parse().ok().filter(|life| *life <= LONGEST_LIFE);
        let Some(life) = life.filter(|_| value("X-Amz-Algorithm").is_ok_and(|it| it == ALGORITHM))
        else {
            let message = "X-Amz-Expires must be a number of seconds, of a week at most.";
            return Err(Refusal::new(400, "AuthorizationQueryParametersError", message));
        };
        Ok(Self {
            credential: value("X-Amz-Credential")?,
            date: value("X-Amz-Date")?,
            headers: value("X-Amz-SignedHeaders")?,
            signature: value("X-Amz-Signature")?,
            session_token: values("X-Amz-Security-Token").next(),
            digest: UNSIGNED.to_owned(),
            life: Some(life),
        })
    }

    fn in_headers(request: &Request) -> Result<Self, Refusal> {
        let denied = || Refusal::denied("Access Denied");
        let malformed = || {
            let message = "The authorization header is malformed.";
            Refusal::new(400, "AuthorizationHeaderMalformed", message)
        };
        let authorization = request.header("authorization").ok_or_else(denied)?;
        let parts = authorization.strip_prefix(ALGORITHM).ok_or_else(malformed)?;
        let part = |name: &str| {
            let mut parts = parts.split(',').map(str::trim);
            let found = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            found.map(str::to_owned).ok_or_else(malformed)
        };
        let digest = request.header("x-amz-content-sha256").ok_or_else(|| {
            let message = "Missing required header for this request: x-amz-content-sha256";
            Refusal::new(400, "InvalidRequest", message)
        })?;
        Ok(Self {
            credential: part("Credential")?,
            date: request.header("x-amz-date").ok_or_else(denied)?.to_owned(),
            headers: part("SignedHeaders")?,
            signature: part("Signature")?,
            session_token: request.header("x-amz-security-token").map(str::to_owned),
            digest: digest.to_owned(),
            life: None,
        })
    }

    fn check_time(&self, now: u64) -> Result<(), Refusal> {
        let Some(signed_at) = parse_aws_date(&self.date) else {
            return Err(Refusal::denied("AWS authentication requires a valid Date or x-amz-date"));
        };
        match self.life {
            Some(life) if now > signed_at + life => Err(Refusal::denied("Request has expired")),
            Some(_) if signed_at > now + MOST_SKEW => {
                Err(Refusal::denied("Request is not yet valid"))
            }
            None if signed_at.abs_diff(now) > MOST_SKEW => {
                let message = "The difference between the request time and the current time is too \
                               large.";
                Err(Refusal::new(403, "RequestTimeTooSkewed", message))
            }
            _ => Ok(()),
        }
    }

    /// The scope of the signature.
    fn check_credential(&self, keys: &Keys, in_query: bool) -> Result<String, Refusal> {
        let (id, scope) = self.credential.split_once('/').unwrap_or((&self.credential, ""));
        if id != keys.id {
            return Err(Refusal::unknown_key());
        }
        let expected =
            format!("{}/{REGION}/s3/aws4_request", self.date.get(..8).unwrap_or_default());
        if scope == expected {
            return Ok(expected);
        }
        let code = if in_query {
            "AuthorizationQueryParametersError"
        } else {
            "AuthorizationHeaderMalformed"
        };
        let message = format!("Error parsing the Credential; the scope must be '{expected}'.");
        Err(Refusal::new(400, code, &message))
    }

    /// The host must be signed, and so must every header of AWS's that is sent.
    fn check_headers(&self, request: &Request, in_query: bool) -> Result<(), Refusal> {
        let is_signed = |name: &str| self.headers.split(';').any(|signed| signed == name);
        let sent = request.headers.keys().map(http::HeaderName::as_str);
        let mut required = sent.filter(|name| name.starts_with("x-amz-")).chain(["host"]);
        if let Some(name) = required.find(|name| !is_signed(name)) {
            let place = if in_query { "query" } else { "Authorization header" };
            let message =
                format!("There were headers present which were not signed: {name} ({place})");
            return Err(Refusal::denied(&message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    /// 2013-05-24T00:00:00Z, the time of AWS's examples.
    const THEN: u64 = 1_369_353_600;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn keys() -> Keys {
        Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        }
    }

    fn request(path: &str, headers: &[(&'static str, &str)]) -> Request {
        let mut all = HeaderMap::new();
        for (name, value) in headers.iter().chain(&[("host", "examplebucket.s3.amazonaws.com")]) {
            let value = HeaderValue::from_str(value).expect("a value");
            all.insert(HeaderName::from_static(name), value);
        }
        let path_and_query = path.to_owned();
        Request { method: "GET".to_owned(), path_and_query, headers: all, body: Bytes::new() }
    }

    fn outcome(request: &Request, keys: &Keys, now: u64) -> Result<(), &'static str> {
        check(request, &query(request), keys, now).map_err(|refusal| refusal.code)
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
    const LINK: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
                        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

    #[test]
    fn takes_the_link_of_awss_example_until_it_expires() {
        let link = request(LINK, &[]);
        for (now, expected) in [
            (THEN, Ok(())),
            (THEN + 86_400, Ok(())),
            (THEN + 86_401, Err("AccessDenied")),
            (THEN - MOST_SKEW - 1, Err("AccessDenied")),
        ] {
            assert_eq!(outcome(&link, &keys(), now), expected, "{now}");
        }
        let mut other = keys();
        other.session_token = Some("token".to_owned());
        assert_eq!(outcome(&link, &other, THEN), Err("InvalidToken"));
        other.id = "AKIANOTHER".to_owned();
        assert_eq!(outcome(&link, &other, THEN), Err("InvalidAccessKeyId"));
    }

    #[test]
    fn refuses_a_changed_or_cut_link() {
        for (from, to, expected) in [
            ("/test.txt", "/test2.txt", "SignatureDoesNotMatch"),
            ("86400", "86401", "SignatureDoesNotMatch"),
            ("d404", "d405", "SignatureDoesNotMatch"),
            ("d404", "d40", "SignatureDoesNotMatch"),
            ("d404", "d404&x=1", "SignatureDoesNotMatch"),
            ("86400", "604801", "AuthorizationQueryParametersError"),
            ("86400", "", "AuthorizationQueryParametersError"),
            ("&X-Amz-Date=20130524T000000Z", "", "AuthorizationQueryParametersError"),
            ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", "AccessDenied"),
            ("us-east-1", "eu-central-1", "AuthorizationQueryParametersError"),
            ("=host", "=date", "AccessDenied"),
        ] {
            let changed = request(&LINK.replace(from, to), &[]);
            assert_eq!(outcome(&changed, &keys(), THEN), Err(expected), "{from} {to}");
        }
        let mut elsewhere = request(LINK, &[]);
        elsewhere.headers.insert("host", HeaderValue::from_static("other.s3.amazonaws.com"));
        assert_eq!(outcome(&elsewhere, &keys(), THEN), Err("SignatureDoesNotMatch"));
        let more = request(LINK, &[("x-amz-acl", "public-read")]);
        assert_eq!(outcome(&more, &keys(), THEN), Err("AccessDenied"));
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    #[test]
    fn takes_the_list_of_awss_example_at_its_time() {
        let authorization = "AWS4-HMAC-SHA256 \
            Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
            SignedHeaders=host;x-amz-content-sha256;x-amz-date,\
            Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        let headers = [
            ("authorization", authorization),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
        ];
        let list = request("/?max-keys=2&prefix=J", &headers);
        assert_eq!(outcome(&list, &keys(), THEN + MOST_SKEW), Ok(()));
        let late = outcome(&list, &keys(), THEN + MOST_SKEW + 1);
        assert_eq!(late, Err("RequestTimeTooSkewed"));
        let other = request("/?max-keys=3&prefix=J", &headers);
        assert_eq!(outcome(&other, &keys(), THEN), Err("SignatureDoesNotMatch"));
        let unsigned = request("/?max-keys=2&prefix=J", &[]);
        assert_eq!(outcome(&unsigned, &keys(), THEN), Err("AccessDenied"));
    }
}
