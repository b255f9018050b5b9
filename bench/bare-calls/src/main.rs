//! The provider calls of a function and the check of its caller's signature, on the crates that the
//! functions use, and nothing else: no settings, no other checks, no log. It responds to every event
//! with 200.
//!
//! The arguments, in pairs, say what it does:
//!
//! | argument | when | what |
//! |---|---|---|
//! | `secret <id>` | at start | fetches a secret by the AWS SDK |
//! | `connect <url>` | at start | opens a connection |
//! | `keys <call>` | at start | fetches a JWKS. Its first key verifies the bearer token of every event |
//! | `call <call>` | for every event | makes a call. Several are made in turn |
//!
//! A call is a [`Call`] as JSON. What happens at start happens at the same time.

#![allow(clippy::disallowed_methods, reason = "it uses none of the functions' code")]

mod client;
mod keys;
mod secrets;

use std::env;

use http::Uri;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::client::{Call, Client, Connector, Stream};
use crate::keys::Key;

/// What remains of a start.
enum Prepared {
    Secret,
    /// It stays open for requests to come.
    Connection(Box<Stream>),
    Key(Key),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let connector = client::connector()?;
    let client = client::client(connector.clone());
    let manager = secrets::client(&client);
    let (mut start, mut calls) = (JoinSet::new(), Vec::<Call>::new());
    let mut arguments = env::args().skip(1);
    while let (Some(kind), Some(argument)) = (arguments.next(), arguments.next()) {
        match kind.as_str() {
            "secret" => drop(start.spawn(secret(manager.clone(), argument))),
            "connect" => drop(start.spawn(connect(connector.clone(), argument))),
            "keys" => drop(start.spawn(keys(client.clone(), argument))),
            "call" => calls.push(serde_json::from_str(&argument)?),
            _ => return Err(format!("{kind} is not an argument").into()),
        }
    }
    let (mut key, mut connections) = (None, Vec::new());
    while let Some(prepared) = start.join_next().await {
        match prepared?? {
            Prepared::Secret => {}
            Prepared::Connection(stream) => connections.push(stream),
            Prepared::Key(one) => key = Some(one),
        }
    }
    let (key, calls, client) = (&key, &calls, &client);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        if let Some(key) = key {
            key.verify_caller(&event.payload)?;
        }
        for call in calls {
            call.send(client).await?;
        }
        Ok::<_, Error>(json!({ "statusCode": 200, "body": "hello" }))
    }))
    .await?;
    drop(connections);
    Ok(())
}

async fn secret(manager: secrets::Client, id: String) -> Result<Prepared, Error> {
    secrets::fetch(&manager, &id).await?;
    Ok(Prepared::Secret)
}

async fn connect(connector: Connector, url: String) -> Result<Prepared, Error> {
    let stream = connector.oneshot(url.parse::<Uri>()?).await?;
    Ok(Prepared::Connection(Box::new(stream)))
}

async fn keys(client: Client, call: String) -> Result<Prepared, Error> {
    let call: Call = serde_json::from_str(&call)?;
    Ok(Prepared::Key(Key::first_of(&call.send(&client).await?)?))
}
