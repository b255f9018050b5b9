//! LiveKit's `S3Upload`: where the recorder puts a recording, and with which credentials.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::livekit::recording::storage::Storage;
use crate::settings::{Incomplete, Settings};
use crate::text::is_visible_ascii;

/// The S3 bucket and credentials that we pass to the recorder.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    storage: Storage,
    role: Option<Role>,
}

/// A role that the recorder assumes.
#[derive(Clone, Debug)]
struct Role {
    arn: String,
    external_id: Option<String>,
}

impl Upload {
    /// Reads what [`Storage::configure`] reads and, if set, `RECORDINGS_ASSUME_ROLE_ARN` and
    /// `RECORDINGS_ASSUME_ROLE_EXTERNAL_ID`.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let (storage, role) = (Storage::configure(settings), read_role(settings));
        Ok(Self { storage: storage?, role: role? })
    }

    /// LiveKit's `S3Upload`. Without a key pair, the recorder signs with its own credentials.
    pub(super) async fn request(
        &self,
        metadata: &BTreeMap<&'static str, String>,
    ) -> Result<Value, ApiError> {
        let storage = &self.storage;
        let mut upload = json!({
            "bucket": storage.bucket,
            "region": storage.region,
            "metadata": metadata,
        });
        if let Some(endpoint) = &storage.endpoint {
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
        if let Some((id, secret)) = storage.key_pair().await? {
            upload["access_key"] = id.expose_secret().into();
            upload["secret"] = secret.expose_secret().into();
        }
        Ok(upload)
    }
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
