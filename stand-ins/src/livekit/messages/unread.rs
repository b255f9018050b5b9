//! A message whose fields are not read.

use prost::Message;
use serde::{Deserialize, Serialize};

/// A message whose fields are not read.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
pub(crate) struct Unread {}
