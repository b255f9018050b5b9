//! The bucket for recordings, and the recorder's access to it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::api::ApiError;
use crate::secrets::OptionalSecret;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// The S3 bucket and credentials that we pass to the recorder.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    bucket: String,
    region: String,
    endpoint: Option<Url>,
    role: Option<Role>,
    access_key_id: OptionalSecret,
    secret_access_key: OptionalSecret,
}

/// A role that the recorder assumes.
#[derive(Clone, Debug)]
struct Role {
    arn: String,
    external_id: Option<String>,
}

impl Upload {
    /// Reads `RECORDINGS_BUCKET`, `RECORDINGS_REGION` (default `AWS_REGION`) and, if set,
    /// `RECORDINGS_ENDPOINT`, `RECORDINGS_ASSUME_ROLE_ARN`,
    /// `RECORDINGS_ASSUME_ROLE_EXTERNAL_ID`, and the secrets `RECORDINGS_ACCESS_KEY_ID` and
    /// `RECORDINGS_SECRET_ACCESS_KEY` (or `LIVEKIT_SECRET_ID`).
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let bucket = read_bucket(settings);
        let region = read_region(settings);
        let endpoint = read_endpoint(settings);
        if let (Ok(bucket), Ok(Some(endpoint))) = (&bucket, &endpoint)
            && names(endpoint, bucket)
        {
            settings.problem(
                "RECORDINGS_ENDPOINT names the bucket, which is added to it (give the server's \
                 address alone)",
            );
        }
        let role = read_role(settings);
        let mut secret = |name, form| settings.optional_secret(name, "LIVEKIT_SECRET_ID", form);
        let access_key_id = secret("RECORDINGS_ACCESS_KEY_ID", key_id_form);
        let secret_access_key = secret("RECORDINGS_SECRET_ACCESS_KEY", secret_key_form);
        if settings.optional("RECORDINGS_ACCESS_KEY_ID").is_some()
            != settings.optional("RECORDINGS_SECRET_ACCESS_KEY").is_some()
        {
            settings.problem(
                "RECORDINGS_ACCESS_KEY_ID and RECORDINGS_SECRET_ACCESS_KEY go together, both as \
                 variables or both in the secret",
            );
        }
        Ok(Self {
            bucket: bucket?,
            region: region?,
            endpoint: endpoint?,
            role: role?,
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
        })
    }

    /// LiveKit's `S3Upload`. Without a key pair, the recorder signs with its own credentials.
    pub(super) async fn request(
        &self,
        metadata: &BTreeMap<&'static str, String>,
    ) -> Result<Value, ApiError> {
        let mut upload = json!({
            "bucket": self.bucket,
            "region": self.region,
            "metadata": metadata,
        });
        if let Some(endpoint) = &self.endpoint {
            upload["endpoint"] = endpoint.as_str().into();
            // S3-compatible servers have one host for all buckets.
            upload["force_path_style"] = true.into();
        }
        if let Some(role) = &self.role {
            upload["assume_role_arn"] = role.arn.as_str().into();
            if let Some(external_id) = &role.external_id {
                upload["assume_role_external_id"] = external_id.as_str().into();
            }
        }
        if let Some((id, secret)) = self.key_pair().await? {
            upload["access_key"] = id.expose_secret().into();
            upload["secret"] = secret.expose_secret().into();
        }
        Ok(upload)
    }

    async fn key_pair(&self) -> Result<Option<(SecretString, SecretString)>, ApiError> {
        match (self.access_key_id.read().await?, self.secret_access_key.read().await?) {
            (Some(id), Some(secret)) => Ok(Some((id, secret))),
            (None, None) => Ok(None),
            _ => Err(ApiError::internal(
                "the secret has one of RECORDINGS_ACCESS_KEY_ID and RECORDINGS_SECRET_ACCESS_KEY \
                 and not the other",
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
        && bucket.parse::<Ipv4Addr>().is_err();
    if good { Ok(bucket) } else { Err(settings.problem("RECORDINGS_BUCKET is not a bucket name")) }
}

fn read_region(settings: &mut Settings) -> Result<String, Incomplete> {
    let region = settings.optional("RECORDINGS_REGION").or(settings.optional("AWS_REGION"));
    let Some(region) = region.map(str::to_owned) else {
        return Err(settings.problem("RECORDINGS_REGION is missing"));
    };
    let good = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && region.starts_with(|first: char| first.is_ascii_alphanumeric());
    if good { Ok(region) } else { Err(settings.problem("RECORDINGS_REGION is not a region")) }
}

/// Plain `http` is allowed here, because the recorder makes the call, in its own network.
fn read_endpoint(settings: &mut Settings) -> Result<Option<Url>, Incomplete> {
    let Some(endpoint) = settings.optional("RECORDINGS_ENDPOINT") else {
        return Ok(None);
    };
    let plain = |url: &Url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match endpoint.parse().ok().filter(plain) {
        Some(url) => Ok(Some(url)),
        None => Err(settings.problem("RECORDINGS_ENDPOINT is not an https or http address")),
    }
}

/// Whether the address already contains the bucket, as the host's first label or the path's last
/// segment.
fn names(endpoint: &Url, bucket: &str) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    let path = endpoint.path().trim_end_matches('/');
    path.rsplit('/').next() == Some(bucket)
        || host.strip_prefix(bucket).is_some_and(|rest| rest.starts_with('.'))
}

fn read_role(settings: &mut Settings) -> Result<Option<Role>, Incomplete> {
    let arn = settings.optional("RECORDINGS_ASSUME_ROLE_ARN").map(str::to_owned);
    let external_id = settings.optional("RECORDINGS_ASSUME_ROLE_EXTERNAL_ID").map(str::to_owned);
    match (arn, external_id) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(settings.problem(
            "RECORDINGS_ASSUME_ROLE_EXTERNAL_ID has no effect without RECORDINGS_ASSUME_ROLE_ARN",
        )),
        (Some(arn), external_id) if is_role_arn(&arn) => Ok(Some(Role { arn, external_id })),
        _ => Err(settings.problem("RECORDINGS_ASSUME_ROLE_ARN is not the ARN of a role")),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>
fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    prefix == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        && is_visible_ascii(arn)
}

fn key_id_form(id: &str) -> Result<(), &'static str> {
    if is_visible_ascii(id) { Ok(()) } else { Err("an access key id") }
}

fn secret_key_form(key: &str) -> Result<(), &'static str> {
    if is_visible_ascii(key) { Ok(()) } else { Err("a secret access key") }
}
