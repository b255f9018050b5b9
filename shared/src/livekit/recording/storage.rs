//! The bucket for recordings: the settings that the recorder's upload and our own access share.

use std::net::Ipv4Addr;

use secrecy::SecretString;
use url::Url;

use crate::object_store::{AccessKey, AccessKeys, Bucket, Place};
use crate::secrets::{OptionalSecret, SecretError};
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// The setting with the address of an S3-compatible server.
const ENDPOINT: &str = "RECORDINGS_ENDPOINT";

/// Services whose dashboards show a bucket's address with the bucket as the first label, and whose hosts
/// do not begin with `s3`, as those of AWS, Backblaze, Scaleway and Wasabi do.
const HOSTS_OF_BUCKETS: [&str; 4] = [
    ".digitaloceanspaces.com",
    ".linodeobjects.com",
    ".r2.cloudflarestorage.com",
    ".storage.googleapis.com",
];

/// How the ASCII form of an internationalized host name begins. No bucket and no region has one.
const PUNYCODE: &str = "xn--";

/// The bucket, and the key pair for it if one is configured.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) endpoint: Option<Url>,
    pub(super) access_key_id: OptionalSecret,
    pub(super) secret_access_key: OptionalSecret,
}

impl Storage {
    /// Reads `RECORDINGS_BUCKET`, `RECORDINGS_REGION` (default `AWS_REGION`) and, if set,
    /// `RECORDINGS_ENDPOINT` and the secrets `RECORDINGS_ACCESS_KEY_ID` and
    /// `RECORDINGS_SECRET_ACCESS_KEY` (or `LIVEKIT_SECRET_ID`).
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let bucket = read_bucket(settings);
        let region = read_region(settings);
        let endpoint = read_endpoint(settings);
        if let (Ok(bucket), Ok(Some(endpoint))) = (&bucket, &endpoint)
            && names(endpoint, bucket)
        {
            settings.problem(
                "RECORDINGS_ENDPOINT contains the bucket's name, which is added to it (set only \
                 the server's address)",
            );
        }
        let key_pair = settings.optional_pair(
            ["RECORDINGS_ACCESS_KEY_ID", "RECORDINGS_SECRET_ACCESS_KEY"],
            "LIVEKIT_SECRET_ID",
            [s3_key_id_form, s3_secret_key_form],
        );
        let (bucket, region, endpoint) = (bucket?, region?, endpoint?);
        let [access_key_id, secret_access_key] = key_pair?;
        Ok(Self { bucket, region, endpoint, access_key_id, secret_access_key })
    }

    /// The key of the function's role, for our own calls, which use it if there is no key pair.
    pub(super) fn role(settings: &mut Settings) -> Result<Option<AccessKey>, Incomplete> {
        let role = AccessKey::of_role(settings)?;
        let has_pair = ["RECORDINGS_ACCESS_KEY_ID", "LIVEKIT_SECRET_ID"]
            .iter()
            .any(|name| settings.optional(name).is_some());
        if role.is_none() && !has_pair {
            return Err(settings.problem(
                "RECORDINGS_ACCESS_KEY_ID is missing (set it, or set LIVEKIT_SECRET_ID to a secret \
                 that holds it, or give the function a role)",
            ));
        }
        Ok(role)
    }

    /// The bucket, for our own calls.
    pub(super) fn bucket(
        self,
        settings: &Settings,
        role: Option<AccessKey>,
    ) -> Result<Bucket, Incomplete> {
        let keys = AccessKeys { id: self.access_key_id, secret: self.secret_access_key, role };
        let place = Place { name: self.bucket, region: self.region, endpoint: self.endpoint };
        Bucket::new(settings, place, keys)
    }

    /// The key pair, if there is one.
    pub(super) async fn key_pair(
        &self,
    ) -> Result<Option<(SecretString, SecretString)>, SecretError> {
        match (self.access_key_id.read().await?, self.secret_access_key.read().await?) {
            (Some(id), Some(secret)) => Ok(Some((id, secret))),
            (None, None) => Ok(None),
            _ => Err(SecretError::Misconfigured(
                "only one of RECORDINGS_ACCESS_KEY_ID and RECORDINGS_SECRET_ACCESS_KEY is in the \
                 secret"
                    .to_owned(),
            )),
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn read_bucket(settings: &mut Settings) -> Result<String, Incomplete> {
    let bucket = settings.text("RECORDINGS_BUCKET")?;
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| inner(byte) || byte == b'-' || byte == b'.')
        && bucket.bytes().next().is_some_and(inner)
        && bucket.bytes().last().is_some_and(inner)
        && !bucket.contains("..")
        && !bucket.starts_with(PUNYCODE)
        && bucket.parse::<Ipv4Addr>().is_err();
    if good { Ok(bucket) } else { Err(settings.problem("RECORDINGS_BUCKET is not a bucket name")) }
}

fn read_region(settings: &mut Settings) -> Result<String, Incomplete> {
    let region = settings.optional("RECORDINGS_REGION").or(settings.optional("AWS_REGION"));
    let Some(region) = region.map(str::to_owned) else {
        return Err(settings.problem("RECORDINGS_REGION is missing"));
    };
    let good = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && region.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !region.starts_with(PUNYCODE);
    if good { Ok(region) } else { Err(settings.problem("RECORDINGS_REGION is not a region")) }
}

fn read_endpoint(settings: &mut Settings) -> Result<Option<Url>, Incomplete> {
    match settings.optional(ENDPOINT) {
        None => Ok(None),
        Some(_) => settings.address(ENDPOINT, "").map(Some),
    }
}

/// Whether the address already contains the bucket: as the path's last segment, or as the first label
/// of a host below a storage service's. A server of one's own may have the same name as its bucket.
fn names(endpoint: &Url, bucket: &str) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    let path = endpoint.path().trim_end_matches('/');
    let is_service = |rest: &str| {
        rest.starts_with(".s3.")
            || rest.starts_with(".s3-")
            || HOSTS_OF_BUCKETS.iter().any(|service| rest.ends_with(service))
    };
    path.rsplit('/').next() == Some(bucket) || host.strip_prefix(bucket).is_some_and(is_service)
}

fn s3_key_id_form(id: &str) -> Result<(), &'static str> {
    if is_visible_ascii(id) { Ok(()) } else { Err("an access key id") }
}

fn s3_secret_key_form(key: &str) -> Result<(), &'static str> {
    if is_visible_ascii(key) { Ok(()) } else { Err("a secret access key") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(pairs.to_vec(), Clock::fixed(0)).expect("settings")
    }

    #[test]
    fn a_bucket_has_a_name_of_s3() {
        let (longest, too_long) = ("a".repeat(63), "a".repeat(64));
        for (name, is_good) in [
            ("recordings", true),
            ("3-recordings.of.2025-7", true),
            ("abc", true),
            ("ab", false),
            (&*longest, true),
            (&*too_long, false),
            ("Recordings", false),
            ("my_recordings", false),
            ("my/recordings", false),
            ("recördings", false),
            ("-recordings", false),
            ("recordings-", false),
            (".recordings", false),
            ("recordings.", false),
            ("my..recordings", false),
            ("192.168.5.4", false),
            ("xn--recordings", false),
        ] {
            let read = read_bucket(&mut settings(&[("RECORDINGS_BUCKET", name)]));
            assert_eq!(read.is_ok(), is_good, "{name}");
        }
    }

    #[test]
    fn a_region_is_its_own_or_that_of_the_function() {
        for (pairs, region) in [
            (&[("RECORDINGS_REGION", "eu-north-1")][..], Some("eu-north-1")),
            (&[("RECORDINGS_REGION", "auto"), ("AWS_REGION", "us-east-1")], Some("auto")),
            (&[("AWS_REGION", "us-east-1")], Some("us-east-1")),
            (&[], None),
            (&[("RECORDINGS_REGION", "eu_north_1")], None),
            (&[("RECORDINGS_REGION", "-eu")], None),
            (&[("RECORDINGS_REGION", "eu.example.com")], None),
            (&[("RECORDINGS_REGION", "xn--a")], None),
        ] {
            assert_eq!(read_region(&mut settings(pairs)).ok().as_deref(), region, "{pairs:?}");
        }
    }

    #[test]
    fn a_key_pair_is_of_visible_characters() {
        for (text, is_good) in [("AKIDEXAMPLE/+=", true), ("two words", false), ("ключ", false)]
        {
            assert_eq!(s3_key_id_form(text).is_ok(), is_good, "{text}");
            assert_eq!(s3_secret_key_form(text).is_ok(), is_good, "{text}");
        }
    }

    #[test]
    fn our_own_calls_need_a_role_or_a_key_pair() {
        let role = [
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "a secret"),
            ("AWS_SESSION_TOKEN", "a token"),
        ];
        for (pairs, expected) in [
            (&role[..], Some(true)),
            (&[("RECORDINGS_ACCESS_KEY_ID", "AKIDEXAMPLE")], Some(false)),
            (&[("LIVEKIT_SECRET_ID", "livekit")], Some(false)),
            (&[], None),
        ] {
            let read = Storage::role(&mut settings(pairs));
            assert_eq!(read.ok().map(|role| role.is_some()), expected, "{pairs:?}");
        }
    }
}
