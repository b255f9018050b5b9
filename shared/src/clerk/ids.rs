//! Clerk's ids.

use crate::ids::id;

id!(UserId, "a user");
id!(SessionId, "a session");
