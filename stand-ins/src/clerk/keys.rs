//! Signing keys: the instance's own, and one of another instance.

use crate::jwt::RsaKey;

/// The instance's signing key.
pub static INSTANCE_KEY: RsaKey = RsaKey::new(
    "ins_2AnteroomInstance000000000",
    include_str!("../../keys/clerk-instance.pem"),
    include_str!("../../keys/clerk-instance.public.pem"),
);

/// The instance's signing key after [`Clerk::rotate_signing_key`](super::Clerk::rotate_signing_key).
pub static NEXT_INSTANCE_KEY: RsaKey = RsaKey::new(
    "ins_2AnteroomInstanceNext00000",
    include_str!("../../keys/clerk-instance-next.pem"),
    include_str!("../../keys/clerk-instance-next.public.pem"),
);

/// The signing key of another instance.
pub static FOREIGN_KEY: RsaKey = RsaKey::new(
    "ins_2AnteroomForeign0000000000",
    include_str!("../../keys/clerk-foreign.pem"),
    include_str!("../../keys/clerk-foreign.public.pem"),
);
