//! The S3 that recordings are uploaded to.

use std::{fmt, sync::Arc};

use super::messages::S3Upload;
use crate::s3;

/// The file of every recording: the first box of an MP4.
pub const RECORDED_FILE: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41";

/// A running S3, at its address.
#[derive(Clone)]
pub(super) struct UploadTarget {
    pub(super) url: String,
    pub(super) server: Arc<s3::Server>,
}

impl fmt::Debug for UploadTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "UploadTarget({})", self.url)
    }
}

impl UploadTarget {
    /// Uploads a recording, if it is to be uploaded here. A recorder without a key pair has access
    /// of its own.
    ///
    /// # Errors
    /// S3's reason, if it refuses the upload.
    pub(super) fn upload(&self, upload: &S3Upload, key: &str) -> Result<bool, &'static str> {
        if upload.endpoint.trim_end_matches('/') != self.url {
            return Ok(false);
        }
        let has_key = !upload.access_key.is_empty();
        if has_key && !self.server.takes(&upload.bucket, &upload.access_key, &upload.secret) {
            return Err("InvalidAccessKeyId: The AWS Access Key Id you provided does not exist");
        }
        if upload.bucket != s3::BUCKET {
            return Err("NoSuchBucket: The specified bucket does not exist");
        }
        let metadata = upload.metadata.clone().into_iter().collect();
        self.server.put(key, RECORDED_FILE.to_vec(), metadata);
        Ok(true)
    }
}
