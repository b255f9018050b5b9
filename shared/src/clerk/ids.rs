//! The ids that Clerk gives.

use crate::ids::id;

id!(UserId, "a user");
id!(SessionId, "a session");
