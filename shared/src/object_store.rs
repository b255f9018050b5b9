//! An S3 bucket, or one of a compatible server: lists its objects, and signs links to them.
//!
//! The calls go through [`Provider`], like those of every other provider; AWS's `aws-sigv4` signs
//! them. `docs/decisions/0014-a-bucket-without-its-sdk.md` has the reasons.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use aws_sdk_secretsmanager::config::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::api::ApiError;
use crate::clock::Timestamp;
use crate::provider::{Answer, Call, Failure, Provider};
use crate::secrets::{OptionalSecret, SecretError};
use crate::settings::{Incomplete, Settings};

/// The most objects and folders in one response, which is S3's own limit.
pub(crate) const MAX_KEYS: usize = 1000;

/// The longest response that we read: [`MAX_KEYS`] keys of the greatest length, percent-encoded.
const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;

const LIST: &str = "ListObjectsV2";

/// A bucket.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    provider: Provider,
    /// The segment of the path that names the bucket, unless the host does.
    segment: Option<String>,
    region: String,
    keys: AccessKeys,
}

/// Where a bucket is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) name: String,
    /// Its region.
    pub(crate) region: String,
    /// The address of a server other than AWS's, which has one host for all buckets.
    pub(crate) endpoint: Option<Url>,
}

/// The keys to sign with: a pair from the settings if there is one, otherwise those of the
/// function's role.
#[derive(Clone, Debug)]
pub(crate) struct AccessKeys {
    pub(crate) id: OptionalSecret,
    pub(crate) secret: OptionalSecret,
    pub(crate) role: Option<AccessKey>,
}

/// A key pair, with the session token and the expiry that a role's has.
#[derive(Clone)]
pub(crate) struct AccessKey {
    id: SecretString,
    secret: SecretString,
    session_token: Option<SecretString>,
    expires: Option<Timestamp>,
}

/// The part of a bucket's list to request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Listing<'a> {
    /// The prefix of the keys.
    pub(crate) prefix: &'a str,
    /// Only keys after this one.
    pub(crate) after: Option<&'a str>,
    /// Whether keys with another `/` after the prefix are grouped into folders.
    pub(crate) folders: bool,
}

/// A page of a bucket's list, in the order of the keys' bytes. Keys may be personal, so `Debug` omits
/// them.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The objects.
    pub(crate) objects: Vec<Object>,
    /// The folders: prefixes that end in `/`.
    pub(crate) folders: Vec<String>,
    /// Whether there are more.
    pub(crate) is_truncated: bool,
}

/// An object in a list. Its key may be personal, so `Debug` omits it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its key.
    pub(crate) key: String,
    /// Its size in bytes.
    pub(crate) size: Option<u64>,
    /// When it was last changed.
    pub(crate) changed: Option<Timestamp>,
}

/// A signed link. Anybody who has it can read the object, so it has no `Debug`.
pub(crate) struct Link {
    /// The address.
    pub(crate) url: String,
    /// When it expires.
    pub(crate) expires: Timestamp,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessKey").finish_non_exhaustive()
    }
}

impl AccessKey {
    /// The keys of the function's role, or of a developer, from the variables that AWS's own
    /// programs use: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and
    /// `AWS_CREDENTIAL_EXPIRATION`, a date as in RFC 3339. Lambda sets all but the last, and ends a
    /// process before its keys expire.
    pub(crate) fn of_role(settings: &mut Settings) -> Result<Option<Self>, Incomplete> {
        let text = |name| settings.optional(name).map(SecretString::from);
        let id = text("AWS_ACCESS_KEY_ID");
        let secret = text("AWS_SECRET_ACCESS_KEY");
        let session_token = text("AWS_SESSION_TOKEN");
        let expires = match settings.optional("AWS_CREDENTIAL_EXPIRATION") {
            None => None,
            Some(date) => match moment(date) {
                Some(moment) => Some(moment),
                None => {
                    return Err(settings.problem("AWS_CREDENTIAL_EXPIRATION is not a date"));
                }
            },
        };
        Ok(id.zip(secret).map(|(id, secret)| Self { id, secret, session_token, expires }))
    }

    /// How long a link signed at `now` is valid, in whole seconds: `wanted`, or the rest of the
    /// keys' life if that is shorter. `None` if they have expired.
    fn validity(&self, wanted: Duration, now: Timestamp) -> Option<Duration> {
        let left = self.expires.map_or(wanted, |expires| expires.since(now)).min(wanted);
        let seconds = left.as_secs();
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    fn identity(&self) -> Identity {
        let session_token = self.session_token.as_ref();
        let session_token = session_token.map(|token| token.expose_secret().to_owned());
        let (id, secret) = (self.id.expose_secret(), self.secret.expose_secret());
        Credentials::new(id, secret, session_token, None, "settings").into()
    }
}

impl AccessKeys {
    /// The key to use now.
    pub(crate) async fn read(&self) -> Result<AccessKey, SecretError> {
        let misconfigured = |text: &str| SecretError::Misconfigured(text.to_owned());
        match (self.id.read().await?, self.secret.read().await?) {
            (Some(id), Some(secret)) => {
                Ok(AccessKey { id, secret, session_token: None, expires: None })
            }
            (None, None) => self.role.clone().ok_or_else(|| {
                misconfigured("there is neither an access key for the bucket nor a role")
            }),
            _ => Err(misconfigured("the access key for the bucket has only one of its two parts")),
        }
    }

    /// The key to use after the server has rejected `refused`, if there is another.
    async fn after_refusal_of(&self, refused: &AccessKey) -> Option<AccessKey> {
        let newer = match self.secret.after_refusal_of(&refused.secret).await {
            Some(_) => true,
            None => self.id.after_refusal_of(&refused.id).await.is_some(),
        };
        if newer { self.read().await.ok() } else { None }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Page")
            .field("objects", &self.objects)
            .field("folders", &self.folders.len())
            .field("is_truncated", &self.is_truncated)
            .finish()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Object")
            .field("size", &self.size)
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// A bucket, called with the settings' HTTP client.
    pub(crate) fn new(
        settings: &Settings,
        place: Place,
        keys: AccessKeys,
    ) -> Result<Self, Incomplete> {
        let (http, clock) = (settings.http(), settings.clock());
        let (base, segment) = place.address().ok_or(Incomplete)?;
        let provider = Provider { name: "s3", base, http, clock };
        Ok(Self { provider, segment, region: place.region, keys })
    }

    /// The key to sign with now.
    pub(crate) async fn key(&self) -> Result<AccessKey, SecretError> {
        self.keys.read().await
    }

    /// One page of the list, with at most [`MAX_KEYS`] entries. If the server rejects `key` and
    /// there is a newer one, uses that and stores it in `key`.
    ///
    /// # Errors
    /// 502 if the bucket does not exist, is in another region or may not be listed, or the response
    /// is unreadable; 503 if the server is down, slow or rate-limiting us.
    pub(crate) async fn list(
        &self,
        key: &mut AccessKey,
        listing: &Listing<'_>,
    ) -> Result<Page, ApiError> {
        let mut answer = self.request_list(key, listing).await?;
        if refuses_key(&answer)
            && let Some(newer) = self.keys.after_refusal_of(key).await
        {
            *key = newer;
            answer = self.request_list(key, listing).await?;
        }
        if refuses_key(&answer) {
            return Err(answer.error(Failure::KeyRefused(answer.status)).into());
        }
        if answer.status != StatusCode::OK {
            return Err(answer.unexpected().into());
        }
        answer.text().and_then(Page::read).ok_or_else(|| {
            answer.error(Failure::Unreadable("it is not the list of a bucket")).into()
        })
    }

    async fn request_list(
        &self,
        key: &AccessKey,
        listing: &Listing<'_>,
    ) -> Result<Answer, ApiError> {
        let path: Vec<&str> = self.segment.iter().map(String::as_str).collect();
        let max_keys = MAX_KEYS.to_string();
        // In XML, a key may have characters that XML does not allow.
        let mut query = vec![
            ("list-type", "2"),
            ("encoding-type", "url"),
            ("max-keys", &*max_keys),
            ("prefix", listing.prefix),
        ];
        query.extend(listing.folders.then_some(("delimiter", "/")));
        query.extend(listing.after.map(|after| ("start-after", after)));
        let url = self.provider.address(&path, &query);
        let signed = self.sign(key, &url, SignatureLocation::Headers, None)?;
        let (headers, _) = signed.into_parts();
        let headers: Vec<_> =
            headers.iter().map(|header| (header.name(), header.value())).collect();
        let call = Call {
            query: &query,
            headers: &headers,
            max_bytes: MAX_LIST_BYTES,
            ..Call::get(LIST, &path)
        };
        Ok(self.provider.send(&call).await?)
    }

    /// A link that reads an object, served with this content type, for as long as `wanted` or until
    /// the key expires. `None` if it has expired.
    pub(crate) fn link(
        &self,
        key: &AccessKey,
        object: &str,
        content_type: &str,
        wanted: Duration,
    ) -> Result<Option<Link>, ApiError> {
        let now = self.provider.clock.now();
        let Some(validity) = key.validity(wanted, now) else {
            return Ok(None);
        };
        let path: Vec<&str> =
            self.segment.iter().map(String::as_str).chain(object.split('/')).collect();
        let mut url = self.provider.address(&path, &[("response-content-type", content_type)]);
        let signed = self.sign(key, &url, SignatureLocation::QueryParams, Some(validity))?;
        url.query_pairs_mut().extend_pairs(signed.params());
        // A signature has whole seconds.
        let signed_at = Timestamp::EPOCH.after(Duration::from_secs(now.whole_seconds()));
        Ok(Some(Link { url: url.into(), expires: signed_at.after(validity) }))
    }

    fn sign(
        &self,
        key: &AccessKey,
        url: &Url,
        location: SignatureLocation,
        expires_in: Option<Duration>,
    ) -> Result<SigningInstructions, ApiError> {
        let in_headers = location == SignatureLocation::Headers;
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = location;
        settings.expires_in = expires_in;
        // A signed request needs the body's digest in a header; a link has no digest.
        let (digest, body) = if in_headers {
            (PayloadChecksumKind::XAmzSha256, SignableBody::empty())
        } else {
            (PayloadChecksumKind::NoHeader, SignableBody::UnsignedPayload)
        };
        settings.payload_checksum_kind = digest;
        let identity = key.identity();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(self.provider.clock.now().system_time())
            .settings(settings)
            .build()
            .map_err(ApiError::internal)?
            .into();
        let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), body);
        let signed = request.and_then(|request| sign(request, &params));
        // Its text does not quote the request.
        Ok(signed.map_err(|_| ApiError::internal("failed to sign an s3 request"))?.into_parts().0)
    }
}

impl Place {
    /// The base address, and the segment of the path that names the bucket, unless the host does.
    ///
    /// At AWS the host names the bucket, except if its name has a dot: AWS's certificate does not
    /// cover such a host.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
    fn address(&self) -> Option<(Url, Option<String>)> {
        let Self { name, region, endpoint } = self;
        if let Some(endpoint) = endpoint {
            return Some((endpoint.clone(), Some(name.clone())));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let host = format!("s3.{region}.{domain}");
        if name.contains('.') {
            return Some((format!("https://{host}").parse().ok()?, Some(name.clone())));
        }
        Some((format!("https://{name}.{host}").parse().ok()?, None))
    }
}

/// Whether the server rejects our key, or does not let it list the bucket. An expired session token
/// is 400.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>
fn refuses_key(answer: &Answer) -> bool {
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
        StatusCode::BAD_REQUEST => {
            let code = answer.text().and_then(|text| quick_xml::de::from_str::<Refusal>(text).ok());
            code.is_some_and(|refusal| matches!(&*refusal.code, "ExpiredToken" | "InvalidToken"))
        }
        _ => false,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

/// The root element. No other counts as a list, because an unreadable list must not count as empty.
#[derive(Deserialize)]
enum Root {
    ListBucketResult(ListBucketResult),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListBucketResult {
    is_truncated: bool,
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Contents>,
    #[serde(default)]
    common_prefixes: Vec<CommonPrefixes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: Option<String>,
    size: Option<String>,
    last_modified: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommonPrefixes {
    prefix: Option<String>,
}

impl Page {
    /// Reads a response. An entry without a readable key is skipped.
    fn read(xml: &str) -> Option<Self> {
        let Root::ListBucketResult(result) = quick_xml::de::from_str(xml).ok()?;
        let is_encoded = result.encoding_type.as_deref() == Some("url");
        let decode = |key: String| {
            if !is_encoded {
                return Some(key);
            }
            // S3 writes a space as `+`.
            let key = key.replace('+', " ");
            percent_decode_str(&key).decode_utf8().ok().map(Cow::into_owned)
        };
        let object = |object: Contents| {
            Some(Object {
                key: decode(object.key?)?,
                size: object.size.and_then(|size| size.parse().ok()),
                changed: object.last_modified.as_deref().and_then(moment),
            })
        };
        Some(Self {
            objects: result.contents.into_iter().filter_map(object).collect(),
            folders: result
                .common_prefixes
                .into_iter()
                .filter_map(|folder| decode(folder.prefix?))
                .collect(),
            is_truncated: result.is_truncated,
        })
    }

    /// The text after which the next page starts, if there is one.
    pub(crate) fn end(&self) -> Option<String> {
        let object = self.objects.last().map(|object| object.key.clone());
        // Whether a folder itself or what is in it comes after `folder/` differs between servers.
        // `0` is the character after `/`.
        let folder =
            self.folders.last().map(|folder| folder.trim_end_matches('/').to_owned() + "0");
        if self.is_truncated { object.max(folder) } else { None }
    }
}

/// A date and time of RFC 3339.
fn moment(date: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(date, Format::DateTimeWithOffset).ok()?;
    let seconds = u64::try_from(date.secs()).ok()?;
    Some(Timestamp::EPOCH.after(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// 2013-05-24T00:00:00Z, the time of AWS's examples.
    const THEN: u64 = 1_369_353_600;

    fn bucket(base: &str, segment: Option<&str>) -> Bucket {
        let clock = Clock::fixed(THEN);
        let settings = Settings::from_pairs([("", ""); 0], clock.clone()).expect("settings");
        let base = base.parse().expect("an address");
        let none = OptionalSecret::absent;
        Bucket {
            provider: Provider { name: "s3", base, http: settings.http(), clock },
            segment: segment.map(str::to_owned),
            region: "us-east-1".to_owned(),
            keys: AccessKeys { id: none(), secret: none(), role: None },
        }
    }

    fn key() -> AccessKey {
        AccessKey {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
            expires: None,
        }
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    #[test]
    fn signs_as_awss_own_examples() {
        let bucket = bucket("https://examplebucket.s3.amazonaws.com", None);
        let url = bucket.provider.address(&["test.txt"], &[]);
        let life = Some(Duration::from_hours(24));
        let link = bucket.sign(&key(), &url, SignatureLocation::QueryParams, life).expect("signed");
        let signature = link.params().iter().find(|(name, _)| *name == "X-Amz-Signature");
        assert_eq!(
            signature.expect("one").1,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
        let url = bucket.provider.address(&[], &[("max-keys", "2"), ("prefix", "J")]);
        let list = bucket.sign(&key(), &url, SignatureLocation::Headers, None).expect("signed");
        let authorization = list.headers().find(|(name, _)| *name == "authorization");
        let expected = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
        assert!(authorization.expect("one").1.ends_with(expected), "{authorization:?}");
    }

    #[test]
    fn a_link_names_the_key_once_and_ends_with_the_access_key() {
        let bucket = bucket("https://s3.example.com/base/", Some("bucket"));
        for (left, life) in [(None, 600), (Some(601), 600), (Some(599), 599), (Some(1), 1)] {
            let expires = left.map(|left| Timestamp::EPOCH.after(Duration::from_secs(THEN + left)));
            let key = AccessKey { expires, ..key() };
            let wanted = Duration::from_mins(10);
            let link = bucket.link(&key, "a/b.mp4", "video/mp4", wanted).expect("signed");
            let link = link.expect("a link");
            assert_eq!(link.expires.whole_seconds(), THEN + life);
            let start =
                "https://s3.example.com/base/bucket/a/b.mp4?response-content-type=video%2Fmp4&";
            assert!(link.url.starts_with(start), "{}", link.url);
            assert!(link.url.contains(&format!("&X-Amz-Expires={life}&")), "{}", link.url);
        }
        let expires = Some(Timestamp::EPOCH.after(Duration::from_secs(THEN)));
        let old = AccessKey { expires, ..key() };
        let link = bucket.link(&old, "a", "video/mp4", Duration::from_mins(10));
        assert!(link.expect("no error").is_none());
        assert!(!format!("{old:?}").contains("AKIA"));
    }

    #[test]
    fn the_host_names_the_bucket_at_aws_unless_its_name_has_a_dot() {
        for (name, region, endpoint, expected) in [
            ("bucket", "eu-central-1", None, "https://bucket.s3.eu-central-1.amazonaws.com/"),
            ("bucket", "cn-north-1", None, "https://bucket.s3.cn-north-1.amazonaws.com.cn/"),
            ("a.b", "us-east-1", None, "https://s3.us-east-1.amazonaws.com/ a.b"),
            ("bucket", "auto", Some("https://r2.example"), "https://r2.example/ bucket"),
        ] {
            let endpoint = endpoint.map(|endpoint| endpoint.parse().expect("an address"));
            let (name, region) = (name.to_owned(), region.to_owned());
            let (base, segment) = Place { name, region, endpoint }.address().expect("an address");
            let segment = segment.map(|segment| format!(" {segment}")).unwrap_or_default();
            assert_eq!(format!("{base}{segment}"), expected);
        }
    }

    #[test]
    fn reads_a_list_and_skips_odd_entries() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Name>bucket</Name><Prefix>a%2B/</Prefix><EncodingType>url</EncodingType>
              <IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>
              <Contents><Key>a%2B/b+c%3C.mp4</Key><LastModified>2013-05-24T00:00:00.000Z</LastModified>
                <ETag>&quot;d&quot;</ETag><Size>7</Size><Owner><ID>1</ID></Owner></Contents>
              <CommonPrefixes><Prefix>a%2B/d/</Prefix></CommonPrefixes>
              <Contents><Size>7</Size></Contents><Contents><Key>%ff</Key></Contents>
              <Contents><Key>e</Key><LastModified>today</LastModified><Size>-1</Size></Contents>
              <CommonPrefixes/><More><Nested/></More>
            </ListBucketResult>"#;
        let page = Page::read(xml).expect("a list");
        let object = |key: &str, size, changed: Option<u64>| Object {
            key: key.to_owned(),
            size,
            changed: changed.map(|at| Timestamp::EPOCH.after(Duration::from_secs(at))),
        };
        let objects = vec![object("a+/b c<.mp4", Some(7), Some(THEN)), object("e", None, None)];
        let expected = Page { objects, folders: vec!["a+/d/".to_owned()], is_truncated: true };
        assert_eq!(page, expected);
        assert_eq!(page.end().as_deref(), Some("e"));
        assert_eq!(Page { objects: Vec::new(), ..page }.end().as_deref(), Some("a+/d0"));
        assert_eq!(Page::default().end(), None);
        let plain = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%2B+&amp;\
                     </Key></Contents></ListBucketResult>";
        assert_eq!(Page::read(plain).expect("a list").objects[0].key, "a%2B+&");
    }

    #[test]
    fn what_is_no_list_is_never_an_empty_one() {
        for xml in [
            "",
            "{}",
            "<ListBucketResult/>",
            "<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>",
            "<ListBucketResult><IsTruncated>false</IsTruncated>",
            "<Error><IsTruncated>false</IsTruncated></Error>",
            "<html><body>false</body></html>",
        ] {
            assert_eq!(Page::read(xml), None, "{xml}");
        }
    }
}
