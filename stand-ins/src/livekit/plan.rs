//! The recorder's plan for an egress, and S3's rules for the file.

use super::messages::{EgressInfo, S3Upload};

/// The limit of `PutObject` for user-defined metadata, in bytes of names and values.
const MOST_METADATA: usize = 2048;

/// The longest object key, in bytes.
const LONGEST_KEY: usize = 1024;

/// The recorder's plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// The request, without its secrets, and the resulting information.
    pub(super) info: EgressInfo,
    /// The key of the object.
    pub(super) filename: String,
    /// The upload target. Without one, the file stays on the recorder's disk.
    pub(super) upload: Option<S3Upload>,
}

/// The reason why S3 would reject the file, if any. The recorder finds out only when it uploads,
/// after the recording. The texts are S3's own if it has one.
pub(super) fn upload_problem(upload: &S3Upload, key: &str) -> Option<&'static str> {
    let metadata = &upload.metadata;
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    let is_text = |text: &String| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if upload.bucket.is_empty() {
        return Some("the bucket's name is empty");
    }
    if key.len() > LONGEST_KEY {
        return Some("KeyTooLongError: Your key is too long");
    }
    if size > MOST_METADATA {
        return Some(
            "MetadataTooLarge: Your metadata headers exceed the maximum allowed metadata size",
        );
    }
    if !metadata.iter().all(|(name, value)| is_text(name) && is_text(value)) {
        return Some("SignatureDoesNotMatch: a metadata header is not ASCII");
    }
    None
}

/// The object's location, in the recorder's format.
pub(super) fn location(upload: &S3Upload, key: &str) -> String {
    let S3Upload { endpoint, bucket, .. } = upload;
    let endpoint = if endpoint.is_empty() { "s3.amazonaws.com" } else { endpoint };
    if !upload.force_path_style {
        return format!("https://{bucket}.{endpoint}/{key}");
    }
    let scheme = if endpoint.starts_with("http") { "" } else { "https://" };
    format!("{scheme}{endpoint}/{bucket}/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_s3_does_not_take() {
        let upload = |name: &str, value: &str| S3Upload {
            bucket: "recordings".to_owned(),
            metadata: [(name.to_owned(), value.to_owned())].into(),
            ..S3Upload::default()
        };
        assert_eq!(upload_problem(&upload("topic", "Caf%C3%A9 & more"), "a.mp4"), None);
        assert_eq!(upload_problem(&upload("topic", &"x".repeat(2043)), "a.mp4"), None);
        for (upload, key, problem) in [
            (upload("topic", "Café"), "a.mp4", "not ASCII"),
            (upload("topic", "a\nb"), "a.mp4", "not ASCII"),
            (upload("topic", &"x".repeat(2044)), "a.mp4", "MetadataTooLarge"),
            (upload("topic", "x"), &"k".repeat(1025), "KeyTooLong"),
            (S3Upload::default(), "a.mp4", "bucket"),
        ] {
            let found = upload_problem(&upload, key).unwrap_or_default();
            assert!(found.contains(problem), "{problem}: {found}");
        }
    }
}
