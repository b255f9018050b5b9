//! Secrets by the AWS SDK.

use std::env;

use aws_sdk_secretsmanager::Config;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region, SharedAsyncSleep};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use lambda_runtime::Error;
use serde_json::Value;

pub(crate) use aws_sdk_secretsmanager::Client;

/// Fetches a secret, and parses it.
pub(crate) async fn fetch(manager: &Client, id: &str) -> Result<Value, Error> {
    let secret = manager.get_secret_value().secret_id(id).send().await?;
    Ok(serde_json::from_str(secret.secret_string().ok_or("the secret is no text")?)?)
}

/// A client with the credentials in the variables that Lambda sets. It needs none until it fetches.
pub(crate) fn client(http: &crate::Client) -> Client {
    let variable = |name| env::var(name).unwrap_or_default();
    let (id, key) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let session = env::var("AWS_SESSION_TOKEN").ok();
    let connector = SharedHttpConnector::new(Sender(http.clone()));
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .region(Region::new(variable("AWS_REGION")))
        .credentials_provider(Credentials::new(id, key, session, None, "variables"))
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL_SECRETS_MANAGER").ok());
    Client::from_conf(config.build())
}

/// Sends the SDK's requests.
#[derive(Debug)]
struct Sender(crate::Client);

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            send(http, request).await.map_err(|error| ConnectorError::other(error, None))
        })
    }
}

async fn send(http: crate::Client, request: HttpRequest) -> Result<HttpResponse, Error> {
    let request = request.try_into_http1x()?;
    let body = |body: SdkBody| Bytes::copy_from_slice(body.bytes().unwrap_or_default());
    let (parts, rest) = http.request(request.map(body).map(Full::new)).await?.into_parts();
    let body = SdkBody::from(rest.collect().await?.to_bytes());
    Ok(http::Response::from_parts(parts, body).try_into()?)
}
